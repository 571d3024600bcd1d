"""The routes. Store and queue are passed in, so that tests need neither database nor Redis."""

import re
import time
import uuid

import redis
from flask import Flask, abort, g, jsonify, request
from werkzeug.exceptions import HTTPException

from .log import log
from .store import StoreError, UnknownProduct

REQUEST_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
EMAIL = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]{1,190}")


def read_order(body):
    """The order in a request's body as (sku, quantity, email); a message if it is none."""
    if not isinstance(body, dict):
        return None, "the body must be a JSON object"
    sku, quantity, email = body.get("product"), body.get("quantity"), body.get("email")
    if not isinstance(sku, str) or not sku:
        return None, "product must be the sku of a product"
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 99:
        return None, "quantity must be a number from 1 to 99"
    if not isinstance(email, str) or not EMAIL.fullmatch(email):
        return None, "email must be an address"
    return (sku, quantity, email), None


def trace(app):
    """Gives each request an id (the proxy's, if it sent one) and a line in the log."""

    @app.before_request
    def begin():
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        g.start = time.monotonic()

    @app.after_request
    def end(response):
        response.headers["X-Request-Id"] = g.request_id
        log("debug" if request.path == "/healthz" else "info", "request",
            request_id=g.request_id, method=request.method, path=request.path,
            status=response.status_code, ms=round((time.monotonic() - g.start) * 1000, 1))
        return response


def errors(app):
    """Every error is JSON and names the request."""

    def answer(status, message):
        return jsonify(error=message, request_id=g.get("request_id")), status

    @app.errorhandler(HTTPException)
    def refused(error):
        return answer(error.code, error.description)

    @app.errorhandler(UnknownProduct)
    def unknown(error):
        return answer(404, f"there is no product {error}")

    @app.errorhandler(StoreError)
    def unavailable(error):
        log("error", "database", request_id=g.get("request_id"), error=error)
        return answer(503, "the database is not available")


def create_app(store, queue):
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    trace(app)
    errors(app)

    @app.get("/")
    def index():
        return jsonify(products="/api/products", orders="/api/orders")

    @app.get("/healthz")
    def health():
        store.check()
        return jsonify(status="ok")

    @app.get("/products")
    def products():
        return jsonify(store.products())

    @app.get("/orders")
    def orders():
        return jsonify(store.orders())

    @app.get("/orders/<int:number>")
    def order(number):
        return jsonify(store.order(number) or abort(404, f"there is no order {number}"))

    @app.post("/orders")
    def place():
        order, wrong = read_order(request.get_json(silent=True))
        if wrong:
            abort(400, wrong)
        placed = store.place(*order, g.request_id)
        try:
            queue.push(placed["id"], g.request_id)
            log("info", "queued", request_id=g.request_id, order=placed["id"])
        except redis.RedisError as error:  # the row counts: the worker finds what the queue missed
            log("warning", "queue", request_id=g.request_id, order=placed["id"], error=error)
        return jsonify(placed), 201

    return app
