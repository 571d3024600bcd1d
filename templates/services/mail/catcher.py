#!/usr/bin/env python3
"""Mail catcher: SMTP on 1025, a page and a JSON API on 8025, messages in bounded memory.

Whatever arrives is hostile text: it is parsed late, leaves escaped or as JSON, and HTML bodies are
shown in a sandboxed frame that may load nothing.
"""

import collections
import email
import email.policy
import json
import os
import re
import signal
import sys
import threading
import time
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

MAX_MESSAGES = int(os.environ.get("MAIL_MAX_MESSAGES", 500))
MAX_BYTES = int(os.environ.get("MAIL_MAX_BYTES", 64 << 20))
MAX_SIZE = int(os.environ.get("MAIL_MAX_SIZE", 10 << 20))


def log(event, **fields):
    words = " ".join(f"{key}={json.dumps(value)}" for key, value in fields.items())
    print(f"mail {event} {words}", flush=True)


class Message:
    """One mail: the envelope, the bytes as they came, and views of them."""

    def __init__(self, number, sender, recipients, raw):
        self.number = number
        self.sender = sender
        self.recipients = recipients
        self.raw = raw
        self.received = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.subject = self.header(self.parse(), "subject")

    def parse(self):
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @staticmethod
    def header(parsed, name):
        try:
            return str(parsed.get(name, ""))
        except (ValueError, LookupError):  # the parser gives up on some malformed headers
            return ""

    @staticmethod
    def content(part):
        try:
            return part.get_content()
        except (KeyError, ValueError, LookupError):
            return (part.get_payload(decode=True) or b"").decode("utf-8", "replace")

    def summary(self):
        return {"id": self.number, "from": self.sender, "to": self.recipients,
                "subject": self.subject, "received": self.received, "size": len(self.raw)}

    def body(self, kind):
        part = self.parse().get_body(preferencelist=(kind,))
        return None if part is None else str(self.content(part))

    def attachments(self):
        return [(part.get_filename() or "unnamed", part.get_content_type(),
                 part.get_payload(decode=True) or b"") for part in self.parse().iter_attachments()]

    def detail(self):
        parsed = self.parse()
        headers = [[name, self.header(parsed, name)] for name in dict.fromkeys(parsed.keys())]
        files = [{"name": name, "type": kind, "size": len(data)}
                 for name, kind, data in self.attachments()]
        return dict(self.summary(), headers=headers, text=self.body("plain"),
                    html=self.body("html"), attachments=files)


class Box:
    """All messages, the newest last; the oldest make room."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = collections.OrderedDict()
        self.size = 0
        self.last = 0

    def add(self, sender, recipients, raw):
        with self.lock:
            self.last += 1
            message = Message(self.last, sender, recipients, raw)
            self.messages[message.number] = message
            self.size += len(raw)
            while len(self.messages) > MAX_MESSAGES or self.size > MAX_BYTES:
                self.size -= len(self.messages.popitem(last=False)[1].raw)
        return message

    def list(self, to="", subject=""):
        with self.lock:
            found = list(reversed(self.messages.values()))
        return [m for m in found if to in " ".join(m.recipients) and subject in m.subject]

    def get(self, number):
        with self.lock:
            return self.messages.get(number)

    def drop(self, number):
        with self.lock:
            message = self.messages.pop(number, None)
            self.size -= len(message.raw) if message else 0
        return message is not None

    def clear(self):
        with self.lock:
            self.messages.clear()
            self.size = 0


class Receiver:
    """What aiosmtpd calls for each mail."""

    def __init__(self, box):
        self.box = box

    async def handle_DATA(self, _server, _session, envelope):
        message = self.box.add(envelope.mail_from, envelope.rcpt_tos, envelope.original_content)
        request = message.header(message.parse(), "X-Request-Id")
        log("caught", **message.summary(), **({"request_id": request} if request else {}))
        return f"250 OK caught as {message.number}"


class Listener(Controller):
    def factory(self):
        return SMTP(self.handler, data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, hostname="mail",
                    ident="devenv mail catcher", auth_require_tls=False,
                    authenticator=lambda *_: AuthResult(success=True))


STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1a1a2e}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f8;padding:1rem}
iframe{width:100%;height:24rem;border:1px solid #ddd}
form{display:inline}
button{cursor:pointer}"""
POLICY = ("default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
          "form-action 'self'")
FRAME_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(title, body):
    return (f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
            f"<style>{STYLE}</style><h1><a href=/>Mail</a></h1>{body}</html>")


def button(action, text):
    return f"<form method=post action={action}><button>{text}</button></form>"


def list_row(message):
    address = f"/messages/{message.number}"
    return (f"<tr><td><a href={address}>{escape(message.subject) or '(no subject)'}</a>"
            f"<td>{escape(message.sender or '')}<td>{escape(', '.join(message.recipients))}"
            f"<td>{message.received}<td>{button(f'{address}/delete', 'delete')}")


def list_page(messages):
    head = "<tr><th>Subject<th>From<th>To<th>Received<th>"
    refresh = "<meta http-equiv=refresh content=5>"
    if not messages:
        return page("Mail", f"{refresh}<p>No mail yet.")
    table = f"<table>{head}{''.join(map(list_row, messages))}</table>"
    clear = button("/messages/delete", "delete all")
    return page(f"Mail ({len(messages)})", f"{refresh}{table}<p>{clear}")


def message_page(message):
    detail = message.detail()
    address = f"/messages/{message.number}"
    rows = "".join(f"<tr><th>{escape(name)}<td>{escape(value)}"
                   for name, value in detail["headers"])
    body = "" if detail["text"] is None else f"<pre>{escape(detail['text'])}</pre>"
    if detail["html"] is not None:
        body += f"<iframe sandbox src={address}/html title=HTML></iframe>"
    files = "".join(
        f"<li><a href=/api{address}/attachments/{index}>{escape(file['name'])}</a> "
        f"({escape(file['type'])}, {file['size']} bytes)"
        for index, file in enumerate(detail["attachments"]))
    foot = f"<p><a href=/api{address}/raw>source</a> {button(f'{address}/delete', 'delete')}"
    return page(message.subject, f"<table>{rows}</table>{body}<ul>{files}</ul>{foot}")


class Web(BaseHTTPRequestHandler):
    server_version = "devenv-mail"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 30
    box = None

    def reply(self, status, content, kind="application/json", **headers):
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content) + "\n"
        if isinstance(content, str):
            content = content.encode("utf-8", "replace")
        self.send_response(status)
        headers = {"Content-Type": kind, "Content-Length": str(len(content)),
                   "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff",
                   "Cache-Control": "no-store", **headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def html(self, content, **headers):
        self.reply(200, content, "text/html; charset=utf-8", **headers)

    def missing(self):
        self.reply(404, {"error": "not found"})

    # One function per route: match is the route's, self.query the decoded query string.

    def get_health(self, _match):
        self.reply(200, {"status": "ok"})

    def get_index(self, _match):
        self.html(list_page(self.box.list()))

    def get_page(self, match):
        message = self.box.get(int(match[1]))
        return self.html(message_page(message)) if message else self.missing()

    def get_frame(self, match):
        message = self.box.get(int(match[1]))
        body = message.body("html") if message else None
        if body is None:
            return self.missing()
        return self.html(body, **{"Content-Security-Policy": FRAME_POLICY})

    def get_list(self, _match):
        found = self.box.list(self.query.get("to", ""), self.query.get("subject", ""))
        self.reply(200, [message.summary() for message in found])

    def get_message(self, match):
        message = self.box.get(int(match[1]))
        return self.reply(200, message.detail()) if message else self.missing()

    def get_raw(self, match):
        message = self.box.get(int(match[1]))
        if not message:
            return self.missing()
        return self.reply(200, message.raw, "text/plain; charset=utf-8")

    def get_attachment(self, match):
        message = self.box.get(int(match[1]))
        files = message.attachments() if message else []
        if int(match[2]) >= len(files):
            return self.missing()
        return self.reply(200, files[int(match[2])][2], "application/octet-stream",
                          **{"Content-Disposition": "attachment"})

    def delete_message(self, match):
        return self.reply(200, {"deleted": 1}) if self.box.drop(int(match[1])) else self.missing()

    def delete_all(self, _match):
        self.box.clear()
        self.reply(200, {"deleted": "all"})

    def post_delete(self, match):
        if self.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            return self.reply(403, {"error": "not from this page"})
        if match.lastindex:
            self.box.drop(int(match[1]))
        else:
            self.box.clear()
        return self.reply(303, "", "text/plain", Location="/")

    ROUTES = [(method, re.compile(pattern), function) for method, pattern, function in [
        ("GET", r"/healthz", get_health),
        ("GET", r"/", get_index),
        ("GET", r"/messages/(\d{1,18})", get_page),
        ("GET", r"/messages/(\d{1,18})/html", get_frame),
        ("GET", r"/api/messages", get_list),
        ("GET", r"/api/messages/(\d{1,18})", get_message),
        ("GET", r"/api/messages/(\d{1,18})/raw", get_raw),
        ("GET", r"/api/messages/(\d{1,18})/attachments/(\d{1,6})", get_attachment),
        ("DELETE", r"/api/messages/(\d{1,18})", delete_message),
        ("DELETE", r"/api/messages", delete_all),
        ("POST", r"/messages/(\d{1,18})/delete", post_delete),
        ("POST", r"/messages/delete", post_delete),
    ]]

    def route(self):
        self.close_connection = self.command == "POST"  # its body is not read
        url = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        wanted = "GET" if self.command == "HEAD" else self.command
        for method, pattern, function in self.ROUTES:
            match = pattern.fullmatch(url.path)
            if match and method == wanted:
                return function(self, match)
        return self.missing()

    do_GET = do_HEAD = do_POST = do_DELETE = route

    def log_message(self, *_arguments):
        pass

    def log_request(self, code="-", size="-"):
        if self.path != "/healthz":
            log("http", method=self.command, path=self.path, status=int(code),
                request_id=self.headers.get("X-Request-Id", ""))


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    box = Web.box = Box()
    Listener(Receiver(box), hostname="0.0.0.0", port=1025).start()
    log("ready", smtp=1025, http=8025)
    server = ThreadingHTTPServer(("0.0.0.0", 8025), Web)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
