CREATE TABLE orders (
	id serial PRIMARY KEY,
	product_id integer NOT NULL REFERENCES products,
	quantity integer NOT NULL CHECK (quantity BETWEEN 1 AND 99),
	email text NOT NULL,
	state text NOT NULL DEFAULT 'placed' CHECK (state IN ('placed', 'confirmed', 'failed')),
	request_id text NOT NULL DEFAULT '',
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_placed ON orders (created_at) WHERE state = 'placed';

CREATE VIEW order_list AS
	SELECT o.id, p.sku, p.name AS product, o.quantity, o.quantity * p.price_cents AS total_cents,
		o.email, o.state, o.request_id, o.created_at, o.updated_at
	FROM orders o
	JOIN products p ON p.id = o.product_id;
