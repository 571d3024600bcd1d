/* The facts of one build; compiled with every link, see the Makefile. */
#include "page.h"

const struct build build = { NUMBER, BUILT, REVISION, COMPILER };
