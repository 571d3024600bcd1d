"""Orders as rows, with one connection that is made again when it broke."""

import os
from pathlib import Path

import psycopg2
import psycopg2.extras

SET_STATE = "UPDATE orders SET state = %s, updated_at = now() WHERE id = %s AND state = 'placed'"


class Store:
    def __init__(self):
        self.connection = None

    def connect(self):
        if self.connection is None or self.connection.closed:
            path = os.environ.get("PGPASSWORD_FILE")
            password = Path(path).read_text("utf-8").strip() if path else None
            self.connection = psycopg2.connect(password=password, connect_timeout=5,
                                               cursor_factory=psycopg2.extras.RealDictCursor)
        return self.connection

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def confirm(self, number, announce):
        """Calls announce(order) and sets the order to confirmed, both or neither.

        False if the order was not waiting for it.
        """
        with self.connect() as connection, connection.cursor() as cursor:
            # The lock makes it once only, however many workers were handed the order.
            cursor.execute("SELECT id FROM orders WHERE id = %s AND state = 'placed'"
                           " FOR UPDATE SKIP LOCKED", (number,))
            if cursor.fetchone() is None:
                return False
            cursor.execute("SELECT id, product, quantity, total_cents, email, request_id"
                           " FROM order_list WHERE id = %s", (number,))
            announce(cursor.fetchone())
            cursor.execute(SET_STATE, ("confirmed", number))
        return True

    def fail(self, number):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(SET_STATE, ("failed", number))

    def left_behind(self, seconds=30):
        """Orders that were placed a while ago and never came through the queue."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, request_id FROM orders WHERE state = 'placed'"
                           " AND created_at < now() - make_interval(secs => %s)"
                           " ORDER BY id LIMIT 100", (seconds,))
            return [(row["id"], row["request_id"]) for row in cursor.fetchall()]
