import json
import smtplib
import unittest

import redis

from shop_worker import __main__ as program
from shop_worker import mail
from shop_worker.jobs import WAITING, Queue

ROW = {"id": 7, "product": "Tea", "quantity": 2, "total_cents": 900, "email": "a@b.c",
       "request_id": "id-1"}


class FakeStore:
    def __init__(self, placed=(7,)):
        self.placed = set(placed)

    def confirm(self, number, announce):
        if number not in self.placed:
            return False
        announce({**ROW, "id": number})
        self.placed.discard(number)
        return True

    def fail(self, number):
        self.failed = number
        self.placed.discard(number)

    def left_behind(self):
        return [(number, "id-1") for number in self.placed]

    def connect(self):
        pass

    def close(self):
        pass


class FakeRedis:
    """Lists with their head at index 0, as in Redis."""

    def __init__(self):
        self.lists = {}

    def lpush(self, key, value):
        self.lists.setdefault(key, []).insert(0, value)

    def lmove(self, source, target, out, into):
        values = self.lists.get(source, [])
        if not values:
            return None
        value = values.pop(0 if out == "LEFT" else -1)
        goal = self.lists.setdefault(target, [])
        goal.insert(0 if into == "LEFT" else len(goal), value)
        return value

    def blmove(self, source, target, timeout, out, into):
        return self.lmove(source, target, out, into)

    def lrem(self, key, count, value):
        self.lists[key].remove(value)


class Work(unittest.TestCase):
    def setUp(self):
        self.queue = Queue("redis://nowhere", name="test")
        self.queue.client = FakeRedis()
        self.store, self.sent = FakeStore(), []
        self.worker = program.Worker(self.store, self.queue, self.sent.append, "shop@b.c")

    def list(self, name):
        return self.queue.client.lists.get(name, [])

    def test_a_job_ends_in_a_mail_and_leaves_the_queue(self):
        self.queue.push(7, "id-1")
        self.worker.step()
        self.assertEqual([message["To"] for message in self.sent], ["a@b.c"])
        self.assertEqual((self.list(WAITING), self.list(self.queue.doing)), ([], []))

    def test_a_job_that_fails_stays_and_is_recovered(self):
        def refuse(_message):
            raise ConnectionRefusedError("no mail today")
        self.worker.send = refuse
        self.queue.push(7, "id-1")
        with self.assertRaises(ConnectionRefusedError):
            self.worker.step()
        self.assertEqual(len(self.list(self.queue.doing)), 1)
        self.assertEqual(self.queue.recover(), 1)
        self.assertEqual(json.loads(self.list(WAITING)[0])["order"], 7)

    def test_an_order_handed_out_twice_is_mailed_once(self):
        self.queue.push(7, "id-1")
        self.queue.push(7, "id-1")
        self.worker.step()
        self.worker.step()
        self.assertEqual(len(self.sent), 1)

    def test_jobs_come_out_in_order(self):
        for number in (1, 2, 3):
            self.queue.push(number, "")
        self.assertEqual([self.queue.take()[1] for _ in range(3)], [1, 2, 3])

    def test_rubbish_is_dropped(self):
        self.queue.client.lpush(WAITING, b"rubbish")
        self.worker.step()
        self.assertEqual((self.list(WAITING), self.list(self.queue.doing), self.sent), ([], [], []))

    def test_an_order_that_the_queue_never_saw_is_found(self):
        self.worker.step()
        self.worker.step()
        self.assertEqual(len(self.sent), 1)

    def test_a_mail_that_is_refused_for_good_fails_the_order(self):
        def refuse(_message):
            raise mail.Refused("no such user")
        self.worker.send = refuse
        self.queue.push(7, "id-1")
        self.worker.step()
        self.assertEqual((self.store.failed, self.list(self.queue.doing)), (7, []))

    def test_trouble_is_survived(self):
        failures = [redis.ConnectionError("gone"), OSError("gone")]

        def take():
            if failures:
                raise failures.pop()
            self.worker.stop.set()
        self.queue.take = take
        self.worker.stop.wait = lambda _seconds: None
        self.worker.run()
        self.assertEqual(failures, [])


class Mail(unittest.TestCase):
    def test_it_names_order_and_request(self):
        message = mail.compose(ROW, "shop@b.c")
        self.assertEqual(message["Subject"], "Your order 7: Tea")
        self.assertEqual(message["X-Request-Id"], "id-1")
        self.assertIn("2 x Tea\n    9.00 EUR", message.get_content())

    def test_only_a_final_answer_is_final(self):
        self.assertTrue(mail.for_good(smtplib.SMTPRecipientsRefused({"a@b": (550, b"")})))
        self.assertFalse(mail.for_good(smtplib.SMTPRecipientsRefused({"a@b": (450, b"")})))
        self.assertFalse(mail.for_good(smtplib.SMTPServerDisconnected("gone")))


if __name__ == "__main__":
    unittest.main()
