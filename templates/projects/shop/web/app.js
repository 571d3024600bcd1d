// The front end's routes. It keeps no state: what it shows comes from the API, which is passed in.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { ApiError } from './api.js';
import { errorPage, shopPage } from './view.js';

const PUBLIC = fileURLToPath(new URL('public', import.meta.url));
const REQUEST_ID = /^[\w.-]{1,128}$/;

// Gives every request an id (the proxy's, if it sent one) and a line in the log.
function trace(log) {
  return (request, response, next) => {
    const start = process.hrtime.bigint();
    const given = request.get('x-request-id') ?? '';
    request.id = REQUEST_ID.test(given) ? given : randomUUID();
    response.set('x-request-id', request.id);
    response.on('finish', () => {
      log.info(
        {
          request_id: request.id,
          method: request.method,
          path: request.originalUrl,
          status: response.statusCode,
          ms: Number(process.hrtime.bigint() - start) / 1e6,
        },
        'request',
      );
    });
    next();
  };
}

// What the form says, as the API wants it.
export function readOrder(form = {}) {
  return {
    product: String(form.product ?? ''),
    quantity: Number.parseInt(form.quantity, 10) || 0,
    email: String(form.email ?? '').trim(),
  };
}

function failed(log) {
  // Express knows an error handler by its four parameters.
  return (error, request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error instanceof ApiError ? error.status : (error.status ?? 500);
    const level = status >= 500 ? 'error' : 'warn';
    log[level]({ request_id: request.id, error: error.message }, 'request failed');
    return response.status(status).send(errorPage(status, error.message, request.id));
  };
}

export function createApp({ api, log }) {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => response.json({ status: 'ok' }));
  app.use(trace(log));
  app.use((_request, response, next) => {
    response.set({
      'content-security-policy': "default-src 'self'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'same-origin',
    });
    next();
  });
  app.use('/static', express.static(PUBLIC));

  app.get('/', async (request, response) => {
    const [products, orders] = await Promise.all([
      api.products(request.id),
      api.orders(request.id),
    ]);
    response.send(shopPage({ products, orders, placed: Number(request.query.placed) || 0 }));
  });

  const form = express.urlencoded({ extended: false, limit: '10kb' });
  app.post('/orders', form, async (request, response) => {
    const order = await api.order(request.id, readOrder(request.body));
    response.redirect(303, `/?placed=${order.id}`);
  });

  app.use((_request, response) => {
    response.status(404).send(errorPage(404, 'There is no such page.'));
  });
  app.use(failed(log));
  return app;
}
