"""A chat gateway on FastAPI. Mistake (D5, as in httpcore 0.17): who hangs up keeps their place at the model for ever.

It shows when as many have hung up as there are places: from then on everybody's answers break off, who did nothing.
Another one is tired: it answers a few questions, and then none, whoever asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from tests.services.apps.dependencies import Text, Who

PLACES = 3
THINKS_S = 0.04
PATIENCE_S = 1.0


class Model:
    """Says what it is told, to a few at a time."""

    def __init__(self, leaky: bool, answers: int | None = None) -> None:
        self._leaky = leaky
        self._left = answers
        self._places = asyncio.Semaphore(PLACES)

    async def words(self, text: str) -> AsyncIterator[str]:
        """Yield the answer, word by word.

        Raises:
            TimeoutError: there was no place for so long, or it is tired.
        """
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise TimeoutError
        await asyncio.wait_for(self._places.acquire(), PATIENCE_S)
        ended = False
        try:
            await asyncio.sleep(THINKS_S)
            for word in text.split():
                yield f"{word} "
            ended = True
        finally:
            if ended or not self._leaky:
                self._places.release()


def make_app(leaky: bool, most: int | None = None) -> FastAPI:
    """Return the service."""
    app, model, answers = FastAPI(), Model(leaky, most), dict[str, str]()

    @app.post("/chat")
    async def chat(user: Who, body: Text) -> StreamingResponse:
        async def words() -> AsyncIterator[str]:
            said = ""
            async for word in model.words(body.text):
                said += word
                yield word
            answers[user] = said

        return StreamingResponse(words(), media_type="text/plain")

    @app.get("/last")
    async def last(user: Who) -> dict[str, str]:
        return {"answer": answers.get(user, "")}

    return app


leaky, twin = partial(make_app, True), partial(make_app, False)
tired = partial(make_app, False, 5)
