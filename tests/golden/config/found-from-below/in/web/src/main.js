void 0;

