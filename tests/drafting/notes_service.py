"""A service as FastAPI's own tutorial would have it: OAuth2 password flow, REST, server-sent events, a WebSocket."""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, Field


class Account(BaseModel):
    """Who registers."""

    username: str = Field(min_length=1)
    password: str = Field(min_length=8)
    full_name: str | None = None


class Token(BaseModel):
    """What signing in answers."""

    access_token: str
    token_type: str = "bearer"


class NewNote(BaseModel):
    """What makes a note."""

    title: str = Field(max_length=10)
    content: str
    stars: int = Field(ge=1, le=5)
    reminder: str | None = None


class Note(NewNote):
    """A note."""

    id: UUID


class NewComment(BaseModel):
    """What makes a comment."""

    note_id: UUID
    comment: str


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["username", "password"],
                    "properties": {"username": {"type": "string"}, "password": {"type": "string"}},
                }
            }
        },
    }
}


class State:
    """What the service knows."""

    def __init__(self) -> None:
        self.passwords: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.notes: dict[UUID, tuple[str, Note]] = {}

    def own(self, user: str, note_id: UUID) -> Note:
        """Return a user's note, or refuse."""
        if note_id not in self.notes or self.notes[note_id][0] != user:
            raise HTTPException(404)
        return self.notes[note_id][1]


async def state_of(request: Request) -> State:
    """Return what the service knows."""
    state: State = request.app.state.known
    return state


Known = Annotated[State, Depends(state_of)]


async def current(known: Known, token: Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="auth/token"))]) -> str:
    """Return who asks."""
    if token not in known.owners:
        raise HTTPException(401)
    return known.owners[token]


User = Annotated[str, Depends(current)]
router = APIRouter()


@router.post("/auth/register", status_code=201)
async def register(known: Known, account: Account) -> dict[str, str]:
    if account.username in known.passwords:
        raise HTTPException(409)
    known.passwords[account.username] = account.password
    return {"username": account.username}


@router.post("/auth/token", openapi_extra=FORM)
async def token(known: Known, request: Request) -> Token:
    form = parse_qs((await request.body()).decode())
    if known.passwords.get(form["username"][0]) != form["password"][0]:
        raise HTTPException(401)
    made = uuid4().hex
    known.owners[made] = form["username"][0]
    return Token(access_token=made)


@router.post("/notes", status_code=201)
async def write_note(known: Known, user: User, note: NewNote) -> Note:
    made = Note(id=uuid4(), **note.model_dump())
    known.notes[made.id] = (user, made)
    return made


@router.get("/notes")
async def list_notes(
    known: Known, user: User, q: str = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> list[Note]:
    return [note for owner, note in known.notes.values() if owner == user and q in note.content][:limit]


@router.get("/notes/{note_id}")
async def read_note(known: Known, user: User, note_id: UUID) -> Note:
    return known.own(user, note_id)


@router.delete("/notes/{note_id}", status_code=204)
async def delete_note(known: Known, user: User, note_id: UUID) -> Response:
    known.own(user, note_id)
    del known.notes[note_id]
    return Response(status_code=204)


@router.post("/comments")
async def add_comment(known: Known, user: User, comment: NewComment) -> dict[str, str]:
    known.own(user, comment.note_id)
    return {"comment": comment.comment}


@router.get("/books/{isbn}")
async def read_book(user: User, isbn: str) -> dict[str, str]:
    return {"isbn": isbn}


@router.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


async def told(user: str) -> AsyncIterator[str]:
    yield f"data: hello {user}\n\n"


@router.get("/notes/{note_id}/events", response_class=EventStream)
async def note_events(known: Known, user: User, note_id: UUID) -> Any:
    known.own(user, note_id)
    return EventStream(told(user))


live = APIRouter()


@live.websocket("/ws/{note_id}")
async def follow(websocket: WebSocket, note_id: UUID) -> None:
    await websocket.accept()


def create_app() -> FastAPI:
    """Make a service with users of its own."""
    made = FastAPI(title="Notes & more")
    made.state.known = State()
    made.include_router(router)
    made.include_router(live, prefix="/live")
    mounted = FastAPI()
    mounted.include_router(live)
    made.mount("/mounted", mounted)
    return made


app = create_app()
