"""Questions to an agent, on FastAPI. Mistake (like A17): a user's agent is kept, with its notes on the last question.

Every user has an agent of their own, so nobody sees what another asked. It shows when one user asks twice: the second
answer has the first question in it.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI

from tests.services.apps.asking import found
from tests.services.apps.dependencies import Text, Who
from tests.services.apps.listening import is_leaky, serve_asgi
from tests.services.apps.notebook import Note, Notebook


class Agent:
    """Answers one question, in steps that it notes down."""

    def __init__(self) -> None:
        self._steps: list[str] = []

    def answer(self, text: str) -> tuple[str, ...]:
        """Return the steps that lead to the answer."""
        self._steps += [f"read {text}", "thought about it"]
        return tuple(self._steps)


class Agents:
    """Hands out agents."""

    def __init__(self, leaky: bool) -> None:
        self._leaky = leaky
        self._kept: dict[str, Agent] = {}

    def of(self, user: str) -> Agent:
        """Return an agent for a user's question."""
        return self._kept.setdefault(user, Agent()) if self._leaky else Agent()


def make_app(leaky: bool) -> FastAPI:
    """Return the service."""
    app, book, agents = FastAPI(), Notebook(), Agents(leaky)
    steps: dict[str, tuple[str, ...]] = {}

    def shown(note: Note) -> dict[str, Any]:
        return {**note.shown, "steps": steps[note.id]}

    @app.post("/questions", status_code=201)
    async def ask(user: Who, body: Text) -> dict[str, str]:
        note = book.add(user, body.text)
        steps[note.id] = agents.of(user).answer(body.text)
        return note.shown

    @app.get("/questions/{question}")
    async def read(user: Who, question: str) -> dict[str, Any]:
        return shown(found(book.own(user, question)))

    @app.get("/questions")
    async def listed(user: Who) -> list[dict[str, str]]:
        return book.of(user)

    return app


leaky, twin = partial(make_app, True), partial(make_app, False)


if __name__ == "__main__":
    serve_asgi(make_app(is_leaky()))
