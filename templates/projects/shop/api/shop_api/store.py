"""Products and orders as rows. A connection per call: a database that restarts needs no care."""

import os
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import psycopg2.extras

ORDER_FIELDS = "id, sku, product, quantity, total_cents, email, state, created_at"


class StoreError(Exception):
    """The database cannot be reached or refuses."""


class UnknownProduct(Exception):
    pass


def read_password():
    path = os.environ.get("PGPASSWORD_FILE")
    return Path(path).read_text("utf-8").strip() if path else None


def connect_once():
    return psycopg2.connect(password=read_password(), connect_timeout=3,
                            cursor_factory=psycopg2.extras.RealDictCursor)


def connect(tries=10, pause=0.05):
    """The password may be on its way while it is rotated: refused, it is read again."""
    for _ in range(tries - 1):
        try:
            return connect_once()
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            time.sleep(pause)
    return connect_once()


def plain(row):
    """A row as JSON takes it: times in ISO 8601."""
    return {key: value.isoformat() if hasattr(value, "isoformat") else value
            for key, value in row.items()}


class Store:
    def rows(self, query, arguments=()):
        try:
            with closing(connect()) as connection, connection, connection.cursor() as cursor:
                cursor.execute(query, arguments)
                return [plain(row) for row in cursor.fetchall()]
        except (psycopg2.Error, OSError) as error:
            raise StoreError(str(error).strip()) from error

    def check(self):
        self.rows("SELECT 1")

    def products(self):
        return self.rows("SELECT sku, name, description, price_cents FROM products ORDER BY id")

    def orders(self, limit=50):
        return self.rows(f"SELECT {ORDER_FIELDS} FROM order_list ORDER BY id DESC LIMIT %s",
                         (limit,))

    def order(self, number):
        found = self.rows(f"SELECT {ORDER_FIELDS} FROM order_list WHERE id = %s", (number,))
        return found[0] if found else None

    def place(self, sku, quantity, email, request_id):
        placed = self.rows(
            "INSERT INTO orders (product_id, quantity, email, request_id)"
            " SELECT id, %s, %s, %s FROM products WHERE sku = %s RETURNING id",
            (quantity, email, request_id, sku))
        if not placed:
            raise UnknownProduct(sku)
        return self.order(placed[0]["id"])
