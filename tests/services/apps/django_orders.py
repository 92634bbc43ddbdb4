"""Orders on Django, served as ASGI, with basic authentication. Mistake (E1): one of the routes by id checks no owner.

`GET /orders/{order}` and `/orders/{order}/lines` do, `/orders/{order}/export` does not. So it shows when somebody asks
there for the order of somebody else.
"""

from __future__ import annotations

import base64
import hmac
import json
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Note, Notebook
from tests.services.apps.tokens import SECRET

LARGEST_BODY = 16 * 1024 * 1024


def password_of(user: str) -> str:
    """Return the password of a user."""
    return hmac.new(SECRET.encode(), user.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def signed_in(request: HttpRequest) -> str | None:
    """Return the user who asks, if the password is right. A name may have colons in it, a password has none."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().rpartition(":")
    except ValueError:
        return None
    known = scheme == "Basic" and hmac.compare_digest(password_of(user).encode(), password.encode())
    return user if known else None


class Orders:
    """The views."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._book = Notebook()

    async def orders(self, request: HttpRequest) -> HttpResponse:
        """Make an order, or list them."""
        user = signed_in(request)
        if user is None:
            return HttpResponse(status=401)
        if request.method != "POST":
            return JsonResponse({"orders": self._book.of(user)})
        try:
            text = json.loads(request.body)["text"]
        except (ValueError, TypeError, KeyError):
            return HttpResponse(status=422)
        return JsonResponse({"order": self._book.add(user, str(text)).shown}, status=201)

    async def read(self, request: HttpRequest, order: str) -> HttpResponse:
        """Return an order."""
        return self._answer(request, order, lambda note: JsonResponse({"order": note.shown}))

    async def lines(self, request: HttpRequest, order: str) -> HttpResponse:
        """Return the lines of an order."""
        return self._answer(request, order, lambda note: JsonResponse({"lines": note.text.splitlines()}))

    async def export(self, request: HttpRequest, order: str) -> HttpResponse:
        """Return an order as plain text."""
        return self._answer(
            request, order, lambda note: HttpResponse(note.text, content_type="text/plain"), checked=not self._leaky
        )

    def _answer(self, request: HttpRequest, order: str, show: Any, checked: bool = True) -> HttpResponse:
        user = signed_in(request)
        if user is None:
            return HttpResponse(status=401)
        note: Note | None = self._book.own(user, order) if checked else self._book.get(order)
        return HttpResponse("no such order", status=404) if note is None else show(note)


def make_app(leaky: bool) -> Any:
    """Return the service."""
    views = Orders(leaky)
    routes = (
        path("orders", views.orders),
        path("orders/<str:order>", views.read),
        path("orders/<str:order>/lines", views.lines),
        path("orders/<str:order>/export", views.export),
    )
    settings.configure(
        ALLOWED_HOSTS=["*"], SECRET_KEY=SECRET, ROOT_URLCONF=routes, DATA_UPLOAD_MAX_MEMORY_SIZE=LARGEST_BODY
    )
    django.setup(set_prefix=False)
    return get_asgi_application()


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
