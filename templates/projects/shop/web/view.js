// Values in, HTML out. Every value is escaped unless html`` itself made it.

class Markup {
  constructor(text) {
    this.text = text;
  }
}

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function render(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return String(value ?? '').replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

export function html(strings, ...values) {
  return new Markup(strings.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

export function price(cents) {
  return `${(cents / 100).toFixed(2)} €`;
}

function page(title, body) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title}</title>
    <link rel="stylesheet" href="/static/shop.css" />
    <script type="module" src="/static/shop.js"></script>
  </head>
  <body>
    <header><a href="/">The shop</a></header>
    <main>${body}</main>
  </body>
</html>
`.text;
}

function productCard(product) {
  return html`<li>
    <h3>${product.name}</h3>
    <p>${product.description}</p>
    <p class="price">${price(product.price_cents)}</p>
    <form method="post" action="/orders">
      <input type="hidden" name="product" value="${product.sku}" />
      <label>Quantity <input name="quantity" type="number" value="1" min="1" max="99" required /></label>
      <label>Mail <input name="email" type="email" placeholder="you@example.com" required /></label>
      <button>Order</button>
    </form>
  </li>`;
}

function orderRow(order) {
  return html`<tr data-order="${order.id}">
    <td>${order.id}</td>
    <td>${order.quantity} × ${order.product}</td>
    <td>${price(order.total_cents)}</td>
    <td>${order.email}</td>
    <td class="state ${order.state}">${order.state}</td>
  </tr>`;
}

export function shopPage({ products, orders, placed }) {
  const thanks = placed ? html`<p class="notice">Thank you: order ${placed} is placed.</p>` : '';
  return page(
    'The shop',
    html`${thanks}
      <section>
        <h2>Catalogue</h2>
        <ul class="products">
          ${products.map(productCard)}
        </ul>
      </section>
      <section>
        <h2>Orders</h2>
        <table id="orders">
          <thead>
            <tr><th>No.</th><th>What</th><th>Total</th><th>Mail</th><th>State</th></tr>
          </thead>
          <tbody>
            ${orders.map(orderRow)}
          </tbody>
        </table>
      </section>`,
  );
}

export function errorPage(status, message, requestId) {
  const trail = requestId ? html`<p>Request <code>${requestId}</code></p>` : '';
  return page(`Error ${status}`, html`<h2>Error ${status}</h2><p class="notice">${message}</p>${trail}`);
}
