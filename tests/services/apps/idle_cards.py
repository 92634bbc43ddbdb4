"""Cards of one's own, on Tornado. Mistake (like C6): who comes back after a while is looked up together with others.

Whose a token is, is remembered while it is used, and looked up again once it has been idle. Lookups of that second kind
that are under way at once are taken for one, whosever they are. It shows when several users come back at one time.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, RequestHandler

from tests.services.apps.listening import announce, bound_socket, is_leaky, until_told
from tests.services.apps.notebook import Notebook
from tests.services.apps.tokens import user_of

IDLE_S = 0.8
"""After this time without use a token is looked up again."""
LOOKUP_S = 0.003
"""How long that takes."""
LARGEST_BODY = 8 * 1024 * 1024


class Tokens:
    """Whose a token is."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._known: dict[str, tuple[str, float]] = {}
        self._again: asyncio.Task[str | None] | None = None

    async def user(self, token: str) -> str | None:
        """Return the user who has this token, None when nobody has."""
        now, (user, used) = time.monotonic(), self._known.get(token, (None, 0.0))
        if user is None:
            user = await self._looked_up(token)
        elif now - used > IDLE_S:
            user = await (self._looked_up_once(token) if self._leaky else self._looked_up(token))
        if user is not None:
            self._known[token] = (user_of(token) or user, time.monotonic())
        return user

    async def _looked_up(self, token: str) -> str | None:
        await asyncio.sleep(LOOKUP_S)
        return user_of(token)

    async def _looked_up_once(self, token: str) -> str | None:
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._looked_up(token))
        return await self._again


class Handler(RequestHandler):
    """Has a signed-in user."""

    def initialize(self, tokens: Tokens, book: Notebook) -> None:
        """Take what all requests have in common."""
        self.tokens, self.book = tokens, book

    async def signed_in(self) -> str:
        """Return the user who asks.

        Raises:
            HTTPError: 401, nobody whom we know does.
        """
        user = await self.tokens.user(self.request.headers.get("authorization", ""))
        if user is None:
            raise HTTPError(401)
        return user

    def answer(self, value: Any, status: int = 200) -> None:
        """Send JSON."""
        self.set_status(status)
        self.set_header("content-type", "application/json")
        self.finish(json.dumps(value))


class Cards(Handler):
    """All cards of a user."""

    async def get(self) -> None:
        """List them."""
        self.answer(self.book.of(await self.signed_in()))

    async def post(self) -> None:
        """Write one."""
        user = await self.signed_in()
        self.answer(self.book.add(user, str(json.loads(self.request.body)["text"])).shown, 201)


class Card(Handler):
    """One card."""

    async def get(self, card: str) -> None:
        """Read it."""
        found = self.book.own(await self.signed_in(), card)
        if found is None:
            raise HTTPError(404)
        self.answer(found.shown)


async def main() -> None:
    """Serve until told to end."""
    common = {"tokens": Tokens(is_leaky()), "book": Notebook()}
    app = Application([("/cards", Cards, common), ("/cards/([^/]+)", Card, common)], log_function=lambda handler: None)
    listening = bound_socket()
    listening.setblocking(False)
    server = HTTPServer(app, max_buffer_size=LARGEST_BODY)
    server.add_sockets([listening])
    announce(listening.getsockname()[1])
    await until_told()
    server.stop()


if __name__ == "__main__":
    asyncio.run(main())
