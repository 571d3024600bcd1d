// Starts the web front end and stops it on SIGTERM, when the requests in hand are answered.
import pino from 'pino';
import { apiClient } from './api.js';
import { createApp } from './app.js';

const log = pino({ level: process.env.LOG_LEVEL ?? 'info', base: { service: 'web' } });
const api = apiClient(process.env.API_URL ?? 'http://api:8000');
const port = Number(process.env.PORT ?? 3000);

const server = createApp({ api, log }).listen(port, (error) => {
  if (error) throw error;
  log.info({ port }, 'listening');
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    log.info({ signal }, 'stopping');
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(1), 5000).unref();
  });
}
