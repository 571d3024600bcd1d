CREATE TABLE products (
	id serial PRIMARY KEY,
	sku text NOT NULL UNIQUE,
	name text NOT NULL,
	description text NOT NULL DEFAULT '',
	price_cents integer NOT NULL CHECK (price_cents > 0)
);

INSERT INTO products (sku, name, description, price_cents) VALUES
	('tea-assam', 'Assam, 100 g', 'Strong and malty, for the morning.', 650),
	('tea-sencha', 'Sencha, 100 g', 'Green, fresh, a little grassy.', 890),
	('tea-rooibos', 'Rooibos, 100 g', 'No caffeine, for the evening.', 540),
	('pot-small', 'Tea pot, 0.6 l', 'Stoneware with a strainer.', 2450),
	('cup', 'Cup', 'Porcelain, holds 0.25 l.', 1190);
