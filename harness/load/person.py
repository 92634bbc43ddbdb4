"""One user at work: asks over HTTP, hears over one WebSocket, and records whatever comes of it.

Rules:

- A refusal (4xx) is a FAIL, an error (5xx) an INFO. No answer at all, a gateway's answer (502, 503, 504) and a socket
  that the target closed say only that it cannot be reached: nothing is recorded, and this user stops.
- Steps of one user follow one another; pushed events come at any time between.
- A user who is sent away before the end disconnects, which is a fault that the harness injects and records.
"""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict, deque
from typing import Any

from gevent import Timeout
from gevent.event import AsyncResult
from gevent.event import Event as Signal
from gevent.lock import BoundedSemaphore

from harness.history.model import Credential, EventKind, User, Value
from harness.history.probes import DISCONNECTED, FAULT, FINAL_STATUSES, LAST_EVENTS
from harness.judging.ownership import Bounded
from harness.load.account import FIRST_EVENT, LAST_EVENT
from harness.load.crew import Crew
from harness.load.event_socket import EventSocket
from harness.targets.dialect import token_for
from harness.targets.phrases import phrase

CALL_S = 30.0
"""How long an answer may take before it is taken for none."""
RUN_S = 40.0
"""How long a run may take to end; more than the target's own limit."""
SOON_S = 1.0
"""How long a run's last event is awaited before the run is asked for."""
EVENT_S = 3.0
"""How long a run's last event may take after the target has said that the run has ended."""
IDLE_S = 2.0
"""After this long a kept connection is replaced: the server may be about to close it, which would look like a loss."""
GATEWAY = frozenset({502, 503, 504})
SAID = {"following": True, "unfollowed": True, "refused": False}
"""What the socket answers, and whether that is a yes; everything else is pushed."""


class Gone(Exception):
    """The target gave no answer. Says what happened, without ids."""


class Person:
    """One user.

    Args:
        crew: whom the user belongs to.
        session: a FastHttpSession of Locust.
    """

    def __init__(self, crew: Crew, session: Any) -> None:
        self.crew = crew
        self.user = crew.enrol(self)
        self.random = random.Random(f"{crew.options.seed} {self.user.number}")
        self.whole, self.left = True, False
        self.notes: dict[str, int] = {}
        self.home = self.quiet = ""
        self.groups = 0
        self.rushing = False
        self._session = session
        self._headers = self._headers_of(self.user)
        self._socket: EventSocket | None = None
        self._busy = BoundedSemaphore(1)
        self._open: tuple[str, int, str] | None = None
        self._answers: dict[str, deque[AsyncResult]] = defaultdict(deque)
        self._asked_s = 0.0
        self._idle_since_s = time.monotonic()
        self.heard: dict[str, float] = {}
        self.unheard: list[str] = []
        self._ended: Bounded[str, None] = Bounded(512)
        self._news = Signal()

    def _headers_of(self, user: User) -> dict[str, str]:
        token = token_for(user, self.crew.options.secret)
        return {"Authorization": f"Bearer {token}"} if token is not None else {}

    def mark(self) -> str:
        """Return a fresh canary of this user."""
        return self.crew.canaries.mint(self.user.number)

    def show(self, name: str, thing: str) -> None:
        """Let others know that this operation succeeds on the user's own object."""
        self.crew.shelf[name].append((self.user.number, thing))

    # Coming and going

    def begin(self) -> None:
        """Connect, open two threads and follow the first."""
        url = self.crew.options.host.replace("http", "ws", 1) + "/events"
        token = self._headers["Authorization"].partition(" ")[2]
        try:
            self._socket = EventSocket(url, token, self._received, self._closed, CALL_S)
            self.home = self._id_of(self.ask("open_thread", title=f"home {self.mark()}"))
            self.quiet = self._id_of(self.ask("open_thread", title=f"quiet {self.mark()}"))
            if self.ask("follow", thread=self.home) is None:
                raise Gone("the user's own thread could not be followed")
            self.show("follow", self.home)
        except (OSError, Gone) as error:
            self.lose(f"a user could not begin ({_said(error)}): start the target, or mend --host or the token secret")

    def step(self, act: Any) -> None:
        """Carry out one step, unless all is about to end."""
        with self._busy:
            if self.crew.stopping.is_set() or not self.whole or self.left:
                return
            try:
                act(self)
            except Gone as gone:
                self.lose(str(gone))

    def lose(self, why: str) -> None:
        """Take no further part."""
        if self.whole:
            self.whole = False
            self.crew.doubt(why)
            self.close()
            self.crew.notice_loss()

    def leave(self) -> None:
        """Disconnect in the middle of whatever is under way."""
        if self.left or not self.whole:
            return
        self.left = True
        under_way = [self._open[1]] if self._open is not None else []
        self.crew.fault()
        self.crew.record(EventKind.PROBE, FAULT, {"fault": "disconnect", "calls": under_way}, user=self.user.id)
        if self._open is not None:
            user, call, name = self._open
            self.crew.record(EventKind.INFO, name, {"error": "disconnected"}, user=user, call=call)
        self.crew.record(EventKind.PROBE, DISCONNECTED, user=self.user.id)
        self.close()
        self.crew.arrived(self)

    def close(self) -> None:
        """Drop the connection."""
        socket, self._socket = self._socket, None
        for waiting in self._answers.values():
            for answer in waiting:
                answer.set_exception(Gone("the socket is closed"))
        self._answers.clear()
        if socket is not None:
            socket.close()

    # Coming to rest

    def rest(self) -> None:
        """Wait for the end of every run and read the socket to a fence."""
        with self._busy:
            try:
                self._await_runs()
                self._say("unfollow", "fence")
            except Gone as gone:
                self.lose(str(gone))

    def _await_runs(self) -> None:
        """Wait for each run's last event; where none comes, ask for the run, and only then believe that it was lost."""
        for run in self.unheard:
            self._await_end(run)
        self.unheard.clear()
        self._await_events(SOON_S)
        for run in tuple(self.heard):
            self._await_end(run)
        self._await_events(EVENT_S)
        self.heard.clear()

    def _await_events(self, most_s: float) -> None:
        until_s = time.monotonic() + most_s
        while self.heard and time.monotonic() < until_s:
            self._news.clear()
            self._news.wait(0.1)

    def _await_end(self, run: str) -> None:
        until_s, pause_s = time.monotonic() + RUN_S, 0.02
        while run not in self._ended:
            answer = self.ask("read_run", id=run)
            if not isinstance(answer, dict) or answer.get("status") in FINAL_STATUSES:
                return
            if time.monotonic() > until_s:
                raise Gone(f"a run did not end within {RUN_S:.0f} s")
            self._news.clear()
            self._news.wait(pause_s)
            pause_s = min(2 * pause_s, 1.0)

    # Asking

    def ask(self, name: str, **arguments: Value) -> Any:
        """Ask for an operation of the vocabulary; return the answer, or None when it was refused or failed.

        Raises:
            Gone: there was no answer.
        """
        kind, value = self._ask(self.user, name, arguments, self._headers)
        if kind is not EventKind.OK:
            return None
        self._learn(name, arguments, value)
        return value

    def trespass(self, credential: Credential, name: str, **arguments: Value) -> None:
        """Ask under this user's name without a valid credential.

        Raises:
            Gone: there was no answer.
        """
        intruder = User(self.user.number, self.user.name, credential)
        self._ask(intruder, name, arguments, self._headers_of(intruder))

    def _ask(
        self, user: User, name: str, arguments: dict[str, Value], headers: dict[str, str]
    ) -> tuple[EventKind, Any]:
        call = self.crew.next_call()
        self.crew.record(EventKind.INVOKE, name, arguments, user=user.id, call=call)
        self._open = (user.id, call, name)
        self._asked_s = 0.0 if self.rushing else time.monotonic()
        if name == "follow":
            granted = self._say("follow", arguments["thread"])
            kind, value = (EventKind.OK, arguments) if granted else (EventKind.FAIL, _NO_THREAD)
        else:
            kind, value = self._request(name, arguments, headers)
        self._open = None
        self.crew.record(kind, name, value, user=user.id, call=call)
        self.crew.took(name, self._asked_s, answered=True)
        return kind, value

    def _request(self, name: str, arguments: dict[str, Value], headers: dict[str, str]) -> tuple[EventKind, Any]:
        said = phrase(name, arguments)
        if time.monotonic() - self._idle_since_s > IDLE_S:
            self._session.client.close()
        with self._session.request(
            said.method, said.path, name=name, json=said.body, headers=headers, catch_response=True
        ) as response:
            status = int(response.status_code or 0)
            text = (response.content or b"").decode(errors="replace") if status else ""
            if not status or status in GATEWAY:
                why = f"answered with {status}" if status else _said(response.error)
                response.failure(f"no answer: {why}")
            elif status >= 500:
                response.failure(f"status {status}")
            else:
                response.success()
        self._idle_since_s = time.monotonic()
        if not status or status in GATEWAY:
            raise Gone(f"the target cannot be reached: {why}")
        return _understood(status, text)

    def _say(self, action: str, thread: str) -> bool:
        """Say something over the socket; return whether it was granted."""
        if self._socket is None:
            raise Gone("the socket is closed")
        answer = AsyncResult()
        self._answers[thread].append(answer)
        try:
            self._socket.send(json.dumps({"action": action, "thread": thread}))
            return bool(answer.get(timeout=CALL_S))
        except OSError as error:
            raise Gone(f"the socket cannot be written to: {_said(error)}") from error
        except Timeout as error:
            raise Gone(f"the socket gave no answer within {CALL_S:.0f} s") from error

    def _learn(self, name: str, arguments: dict[str, Value], value: Any) -> None:
        made = value.get("id") if isinstance(value, dict) else None
        match name:
            case "write_note" | "edit_note" if isinstance(made, str):
                self.notes[made] = value.get("version", 1)
            case "delete_note":
                self.notes.pop(arguments["id"], None)
            case "start_run" if isinstance(made, str) and made not in self._ended:
                if arguments["thread"] == self.home:
                    self.heard[made] = self._asked_s
                else:
                    self.unheard.append(made)
            case "read_run" if made in self.unheard and value.get("status") in FINAL_STATUSES:
                self.unheard.remove(made)
            case _:
                pass

    def _id_of(self, answer: Any) -> str:
        name = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(name, str):
            raise Gone("no thread could be opened")
        return name

    # Hearing

    def _received(self, text: str) -> None:
        try:
            value = json.loads(text)
        except ValueError:
            self.crew.record(EventKind.PUSH, "text", text, user=self.user.id)
            return
        kind = str(value.get("type")) if isinstance(value, dict) else "None"
        waiting = self._answers.get(str(value.get("thread"))) if kind in SAID else None
        if waiting:
            waiting.popleft().set(SAID[kind])
            return
        self.crew.record(EventKind.PUSH, kind, value, user=self.user.id)
        if kind == "agent_started" or kind in LAST_EVENTS:
            self._heard(kind, str(value.get("run")))

    def _heard(self, kind: str, run: str) -> None:
        since_s = self.heard.get(run, self._asked_s)
        self.crew.took(FIRST_EVENT if kind == "agent_started" else LAST_EVENT, since_s)
        if kind in LAST_EVENTS:
            self._ended.set(run, None)
            self.heard.pop(run, None)
            self._news.set()

    def _closed(self, code: int, reason: str) -> None:
        if not self.left:
            self.lose(f"the target closed a user's socket with {code} {reason}".strip())


_NO_THREAD = {"status": 404, "text": "no such thread"}


def _understood(status: int, text: str) -> tuple[EventKind, Any]:
    """Return what an answer means."""
    if status >= 500:
        return EventKind.INFO, {"error": f"status {status}: {text[:500]}"}
    if status >= 400:
        return EventKind.FAIL, {"status": status, "text": text}
    try:
        return EventKind.OK, json.loads(text) if text else None
    except ValueError:
        return EventKind.INFO, {"error": f"the answer is no JSON: {text[:500]}"}


def _said(error: Any) -> str:
    """Say an error in words that do not differ from user to user."""
    strerror = getattr(error, "strerror", None)
    return f"{type(error).__name__} {strerror}" if strerror else str(error) or type(error).__name__
