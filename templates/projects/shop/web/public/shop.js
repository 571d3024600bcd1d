// Follows the states of the orders on the page, as long as one of them is still on its way.

function pending() {
  const cells = [...document.querySelectorAll('td.state')];
  return cells.some((cell) => cell.textContent === 'placed');
}

function show(order) {
  const cell = document.querySelector(`tr[data-order="${Number(order.id)}"] .state`);
  if (!cell) return;
  cell.textContent = order.state;
  cell.className = `state ${order.state}`;
}

async function follow() {
  if (!pending()) return;
  const response = await fetch('/api/orders').catch(() => undefined);
  if (response?.ok) (await response.json()).forEach(show);
  setTimeout(follow, 1000);
}

setTimeout(follow, 300);
