"""The shop's API: products and orders in PostgreSQL, a job in the queue for each new order."""
