import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorPage, html, price, shopPage } from '../view.js';

const products = [{ sku: 'tea', name: 'Tea <b>', description: '', price_cents: 450 }];
const orders = [
  { id: 7, product: 'Tea', quantity: 2, total_cents: 900, email: 'a@b', state: 'placed' },
];

test('values are escaped, markup is not', () => {
  const markup = html`<p>${'<"&\'>'}${html`<i>${[1, 2]}</i>`}</p>`;
  assert.equal(markup.text, '<p>&lt;&quot;&amp;&#39;&gt;<i>12</i></p>');
});

test('a price has two decimals', () => {
  assert.equal(price(450), '4.50 €');
  assert.equal(price(5), '0.05 €');
});

test('the page lists catalogue and orders', () => {
  const page = shopPage({ products, orders, placed: 0 });
  assert.match(page, /Tea &lt;b&gt;/);
  assert.match(page, /data-order="7"/);
  assert.match(page, /9\.00 €/);
  assert.doesNotMatch(page, /Thank you/);
  assert.match(shopPage({ products, orders, placed: 7 }), /order 7 is placed/);
});

test('an error page names the request', () => {
  assert.match(errorPage(502, 'gone', 'id-1'), /Error 502[\s\S]*gone[\s\S]*id-1/);
});
