import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pino from 'pino';
import { ApiError, apiClient } from '../api.js';
import { createApp, readOrder } from '../app.js';

const calls = [];
const api = {
  products: async () => [{ sku: 'tea', name: 'Tea', description: '', price_cents: 450 }],
  orders: async () => [],
  order: async (requestId, order) => {
    calls.push({ requestId, order });
    if (order.quantity < 1) throw new ApiError('quantity must be from 1 to 99', 400);
    return { id: 12 };
  },
};

let server;
let base;

before(async () => {
  server = createApp({ api, log: pino({ level: 'silent' }) }).listen(0);
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => {
  server.close();
  server.closeAllConnections(); // fetch keeps its own open for seconds
});

function place(fields, headers = {}) {
  const body = new URLSearchParams(fields);
  return fetch(`${base}/orders`, { method: 'POST', body, headers, redirect: 'manual' });
}

test('the page shows the catalogue', async () => {
  const response = await fetch(base);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<h3>Tea<\/h3>/);
});

test('an order goes to the API under the id of its request', async () => {
  const form = { product: 'tea', quantity: '2', email: ' a@b ' };
  const response = await place(form, { 'x-request-id': 'id-1' });
  assert.equal(response.status, 303);
  assert.equal(response.headers.get('location'), '/?placed=12');
  assert.equal(response.headers.get('x-request-id'), 'id-1');
  const order = { product: 'tea', quantity: 2, email: 'a@b' };
  assert.deepEqual(calls.at(-1), { requestId: 'id-1', order });
});

test('an order that the API refuses is explained', async () => {
  const response = await place({ product: 'tea', quantity: '0', email: 'a@b' });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /quantity must be/);
});

test('a strange request id is replaced', async () => {
  const response = await fetch(base, { headers: { 'x-request-id': 'a b"c' } });
  assert.match(response.headers.get('x-request-id'), /^[0-9a-f-]{36}$/);
});

test('health, style and unknown pages', async () => {
  assert.equal((await fetch(`${base}/healthz`)).status, 200);
  assert.equal((await fetch(`${base}/static/shop.css`)).status, 200);
  assert.equal((await fetch(`${base}/nowhere`)).status, 404);
});

test('a form without fields is an order of nothing', () => {
  assert.deepEqual(readOrder(undefined), { product: '', quantity: 0, email: '' });
});

test('an API that is down is a 502', async () => {
  const client = apiClient('http://127.0.0.1:9', { timeout: 1000 });
  await assert.rejects(client.products('id'), { status: 502, message: /cannot be reached/ });
});

test('an error of the API keeps its status and words', async () => {
  const answer = () => Promise.resolve(Response.json({ error: 'no such product' }, { status: 404 }));
  const client = apiClient('http://api', { fetch: answer });
  await assert.rejects(client.order('id', {}), { status: 404, message: 'no such product' });
});
