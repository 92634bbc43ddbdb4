"""Null targets: they grant all, deny all, echo all, or are dead. No claim may hold on any of them.

None is built on the reference, and none keeps what a user wrote: there is nothing in them that could be isolated.
A harness that counts refusals, empty answers or echoes as isolation gives them points; this one must not.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from harness.history.model import Client, Credential, OnPush, Operation, Refused, Unreachable, User, Value
from harness.mutants.subject import null
from harness.targets.bundled import BUNDLED

_PROMISES = replace(BUNDLED.promises, credentials=frozenset(Credential) - {Credential.VALID})


class GrantAll:
    """Says yes to everybody, and has nothing to show."""

    name = "grant-all"
    promises = _PROMISES

    def __init__(self) -> None:
        self._ids = count(1)

    async def connect(self, user: User, on_push: OnPush) -> Client:
        """Let anybody in, intruders too."""
        return _Granting(self._ids)

    async def close(self) -> None:
        """Hold nothing."""


class _Granting:
    def __init__(self, ids: count[int]) -> None:
        self._ids = ids

    async def invoke(self, operation: Operation) -> Value:
        known = _PROMISES.operations[operation.name]
        if known.lists is not None:
            return []
        name = str(next(self._ids)) if known.makes is not None else operation.objects.get(known.argument, "")
        return {"id": name, "title": "", "text": "", "version": 1, "status": "completed", "result": ""}

    async def close(self) -> None:
        return None


class DenyAll:
    """Says no to everybody."""

    name = "deny-all"
    promises = _PROMISES

    async def connect(self, user: User, on_push: OnPush) -> Client:
        """Let anybody in, to be refused."""
        return _Denying()

    async def close(self) -> None:
        """Hold nothing."""


class _Denying:
    async def invoke(self, operation: Operation) -> Value:
        raise Refused(403, "no")

    async def close(self) -> None:
        return None


class EchoAll:
    """Answers with what was asked, and pushes it back as the events of a run."""

    name = "echo-all"
    promises = _PROMISES

    def __init__(self) -> None:
        self._ids = count(1)

    async def connect(self, user: User, on_push: OnPush) -> Client:
        """Let anybody in."""
        return _Echoing(self._ids, user, on_push)

    async def close(self) -> None:
        """Hold nothing."""


class _Echoing:
    def __init__(self, ids: count[int], user: User, on_push: OnPush) -> None:
        self._ids = ids
        self._user = user
        self._on_push = on_push

    async def invoke(self, operation: Operation) -> Value:
        known, asked = _PROMISES.operations[operation.name], {**operation.objects, **operation.given}
        text = asked.get("text")
        answer = {
            "id": str(next(self._ids)),
            "version": 1,
            "status": "completed",
            "result": text,
            "title": text,
            **asked,
        }
        if known.starts is not None:
            head = {"user": self._user.name, "thread": asked["thread"], "run": answer["id"], "data": asked}
            for seq, kind in enumerate(("agent_started", "agent_completed")):
                self._on_push(kind, {"type": kind, "seq": seq, **head})
        return [answer] if known.lists is not None else answer

    async def close(self) -> None:
        return None


class Dead:
    """Is not there."""

    name = "dead"

    async def connect(self, user: User, on_push: OnPush) -> Client:
        """Find nobody.

        Raises:
            Unreachable: always.
        """
        raise Unreachable("dead is a null target that nobody can reach. Verify a target that runs.")

    async def close(self) -> None:
        """Hold nothing."""


NULL_TARGETS = (
    null("grant-all", "everything is granted to everybody, and every answer is empty", GrantAll),
    null("deny-all", "everything is refused to everybody", DenyAll),
    null("echo-all", "everybody is answered with what they asked, and nothing is kept", EchoAll),
    null("dead", "nobody can connect", Dead),
)
"""Targets on which nothing may be claimed."""
