"""Who asks a Starlette or FastAPI service, and what with. It makes no mistake: the services do."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request

from tests.services.apps.notebook import Note
from tests.services.apps.tokens import user_of


async def signed_in(request: HTTPConnection) -> str:
    """Return the user who asks.

    Raises:
        HTTPException: 401, nobody whom we know does.
    """
    user = user_of(request.headers.get("authorization"))
    if user is None:
        raise HTTPException(401, "sign in first")
    return user


async def text_in(request: Request) -> str:
    """Return the text of a JSON body.

    Raises:
        HTTPException: 422, it has none.
    """
    try:
        text = (await request.json())["text"]
    except (ValueError, TypeError, KeyError):
        text = None
    if not isinstance(text, str):
        raise HTTPException(422, 'give {"text": "..."}')
    return text


def found(note: Note | None) -> Note:
    """Return the note.

    Raises:
        HTTPException: 404, there is none, or none of this user's.
    """
    if note is None:
        raise HTTPException(404, "no such note")
    return note
