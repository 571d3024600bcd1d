import unittest

import redis

from shop_api.app import create_app, read_order
from shop_api.store import StoreError, UnknownProduct

ORDER = {"product": "tea", "quantity": 2, "email": "a@b.c"}


class FakeStore:
    def __init__(self):
        self.placed = []
        self.down = False

    def check(self):
        if self.down:
            raise StoreError("connection refused")

    def products(self):
        self.check()
        return [{"sku": "tea", "name": "Tea", "description": "", "price_cents": 450}]

    def orders(self):
        return self.placed

    def order(self, number):
        return next((order for order in self.placed if order["id"] == number), None)

    def place(self, sku, quantity, email, request_id):
        if sku != "tea":
            raise UnknownProduct(sku)
        self.placed.append({"id": len(self.placed) + 1, "product": sku, "quantity": quantity})
        return self.placed[-1]


class FakeQueue:
    def __init__(self):
        self.jobs = []
        self.down = False

    def push(self, order, request_id):
        if self.down:
            raise redis.ConnectionError("refused")
        self.jobs.append((order, request_id))


class Api(unittest.TestCase):
    def setUp(self):
        self.store, self.queue = FakeStore(), FakeQueue()
        self.client = create_app(self.store, self.queue).test_client()

    def test_products(self):
        self.assertEqual(self.client.get("/products").json[0]["sku"], "tea")

    def test_an_order_becomes_a_row_and_a_job(self):
        answer = self.client.post("/orders", json=ORDER, headers={"X-Request-Id": "id-1"})
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.headers["X-Request-Id"], "id-1")
        self.assertEqual(self.queue.jobs, [(answer.json["id"], "id-1")])
        self.assertEqual(self.client.get("/orders").json, self.store.placed)
        self.assertEqual(self.client.get("/orders/1").json["quantity"], 2)

    def test_an_order_survives_a_queue_that_is_down(self):
        self.queue.down = True
        self.assertEqual(self.client.post("/orders", json=ORDER).status_code, 201)
        self.assertEqual(len(self.store.placed), 1)

    def test_the_first_page_says_what_there_is(self):
        self.assertEqual(self.client.get("/").json["orders"], "/api/orders")

    def test_an_unknown_product_and_an_unknown_order_are_404(self):
        answer = self.client.post("/orders", json={**ORDER, "product": "x"})
        self.assertEqual(answer.status_code, 404)
        answer = self.client.get("/orders/9")
        self.assertEqual((answer.status_code, answer.json["error"]), (404, "there is no order 9"))

    def test_bad_orders_are_refused_with_a_reason(self):
        for change in ({"quantity": 0}, {"quantity": True}, {"quantity": "2"}, {"product": ""},
                       {"email": "a b@c"}, {"email": "a@b\nBcc: x@y"}):
            with self.subTest(change):
                answer = self.client.post("/orders", json={**ORDER, **change})
                self.assertEqual(answer.status_code, 400)
                self.assertIn(next(iter(change)), answer.json["error"])
        self.assertEqual(self.client.post("/orders", data="not json").status_code, 400)
        self.assertEqual(self.store.placed, [])

    def test_without_a_database_health_fails(self):
        self.assertEqual(self.client.get("/healthz").status_code, 200)
        self.store.down = True
        self.assertEqual(self.client.get("/healthz").status_code, 503)
        answer = self.client.get("/products")
        self.assertEqual(answer.json["error"], "the database is not available")

    def test_a_strange_request_id_is_replaced(self):
        answer = self.client.get("/orders", headers={"X-Request-Id": 'a"b'})
        self.assertRegex(answer.headers["X-Request-Id"], r"^[0-9a-f-]{36}$")


class ReadOrder(unittest.TestCase):
    def test_a_good_one(self):
        self.assertEqual(read_order(ORDER), (("tea", 2, "a@b.c"), None))

    def test_no_object(self):
        for body in (None, [], "x"):
            self.assertIsNone(read_order(body)[0])


if __name__ == "__main__":
    unittest.main()
