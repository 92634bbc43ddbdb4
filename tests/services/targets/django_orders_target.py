"""Orders, with basic authentication."""

from __future__ import annotations

import hmac
from dataclasses import replace

from harness.adapter import Adapter, Route, basic

SECRET = "what the services of tests/services sign with"

adapter = Adapter(
    name="django_orders",
    sign_in=basic(
        lambda user: hmac.new(SECRET.encode(), user.name.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
    ),
    routes=[
        Route("write_order", "POST", "/orders", json={"text": "{canary}"}, makes="order", id="order.id"),
        Route("read_order", "GET", "/orders/{order}"),
        Route("list_orders", "GET", "/orders"),
        Route("order_lines", "GET", "/orders/{order}/lines"),
        Route("export_order", "GET", "/orders/{order}/export"),
    ],
)
leaky, twin = (replace(adapter, app=f"tests.services.apps.django_orders:{which}") for which in ("leaky", "twin"))
