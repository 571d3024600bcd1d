"""The mail that confirms an order."""

import os
import smtplib
from email.message import EmailMessage

TEXT = """Thank you for your order.

    {quantity} x {product}
    {total} EUR in total

We send it today. Your order has the number {id}.
"""


def compose(order, sender):
    message = EmailMessage()
    message["Subject"] = f"Your order {order['id']}: {order['product']}"
    message["From"] = sender
    message["To"] = order["email"]
    message["X-Request-Id"] = order["request_id"]
    message.set_content(TEXT.format(total=f"{order['total_cents'] / 100:.2f}", **order))
    return message


class Refused(Exception):
    """The mail will never be taken, however often it is tried."""


def for_good(error):
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return True
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def send(message):
    host, port = os.environ.get("SMTP_HOST", "mail"), int(os.environ.get("SMTP_PORT", 1025))
    with smtplib.SMTP(host, port, timeout=10) as server:
        try:
            server.send_message(message)
        except smtplib.SMTPException as error:
            if for_good(error):
                raise Refused(str(error)) from error
            raise
