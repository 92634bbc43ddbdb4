"""The operations that the harness knows how to ask and to judge. A target offers all of them or some.

A small agent backend in twelve verbs. Objects are named by the `id` that the answer to their making carries; texts
are the user's own and come out as they went in. Answers are JSON objects, or lists of them; more keys than named
here are welcome.

| operation | arguments | answer |
|---|---|---|
| open_thread | title | id, title |
| read_thread | id | id, title |
| list_threads | | list of (id, title) |
| write_note | text | id, text, version (optional) |
| read_note | id | id, text, version (optional) |
| edit_note | id, text, version | id, text, version; refused when the version is not the newest |
| delete_note | id | |
| list_notes | | list of (id, text) |
| search_notes | text | list of (id, text): the notes that contain it |
| start_run | thread, agent, text | id: the run goes on after the answer and ends with a pushed event |
| read_run | id | id, status, result |
| cancel_run | id | |
| follow | thread, after | the connection gets the thread's events from now on; `after`: run -> last seq seen |

Agents of `start_run`: `narrator` (result is the text), `notebook` (`remember: a | b` writes both notes or none;
`recall: q` searches), `faulty` (`fail: a` writes a note and fails; `stall: a` waits until cancelled).

A pushed event has the topic of its type, and the value {type, user, thread, run, seq, data}: seq counts 0, 1, 2, ...
in each run; `agent_completed` or `agent_error` is the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from harness.history.model import Promises, Verb


class Kind(StrEnum):
    """What an object is."""

    THREAD = "thread"
    NOTE = "note"
    RUN = "run"


VOCABULARY = MappingProxyType(
    {
        verb.name: verb
        for verb in (
            Verb("open_thread", makes=Kind.THREAD, text="title"),
            Verb("read_thread", takes=Kind.THREAD),
            Verb("list_threads", lists=Kind.THREAD),
            Verb("write_note", makes=Kind.NOTE, text="text"),
            Verb("read_note", takes=Kind.NOTE, newest_of=("write_note", "edit_note")),
            Verb("edit_note", takes=Kind.NOTE, text="text"),
            Verb("delete_note", takes=Kind.NOTE, deletes=True),
            Verb("list_notes", lists=Kind.NOTE),
            Verb("search_notes", lists=Kind.NOTE, text="text"),
            Verb("start_run", makes=Kind.RUN, takes=Kind.THREAD, argument="thread", text="text"),
            Verb("read_run", takes=Kind.RUN),
            Verb("cancel_run", takes=Kind.RUN),
            Verb("follow", takes=Kind.THREAD, argument="thread"),
        )
    }
)


def verbs_of(promises: Promises) -> Mapping[str, Verb]:
    """Return the operations that a target has: its own, or else those of the vocabulary."""
    return promises.verbs or VOCABULARY


LAST_EVENTS = frozenset({"agent_completed", "agent_error"})
"""The types of a run's last event."""

FINAL_STATUSES = frozenset({"completed", "failed", "cancelled", "timed out", "interrupted"})
"""The statuses of a run that has ended."""

FAULT = "fault"
"""Name of the PROBE that says a fault was injected; its value is {fault, calls}: the calls that may suffer."""

SETTLED = "settled"
"""Name of the PROBE that says all calls have ended and every connection has been read to its end."""

DISCONNECTED = "disconnected"
"""Name of the PROBE that says this device of the user was disconnected."""

# Probes: facts seen from inside. Each is the name of a PROBE event, with the shape of its value.

DOUBT = "doubt"
"""Something could not be seen to its end: {reason, checkers}: those that must not say HOLDS for it."""

RESOURCES = "resources"
"""What the target holds: {held: {kind: count}, phase: "start" or "settled"}."""

ALIASES = "aliases"
"""Live requests of different users were compared: {compared, shared: [{type, owner, observer, path_owner,
path_observer}], cut}: `cut` says whether there was more than could be walked."""

SESSION = "session"
"""A database session at work: {action: "use" or "close", session}; the event's call is the request."""

CONNECTION = "connection"
"""A database connection at work: {action: "checkout", "use" or "checkin", connection}."""

REGISTRY_ENTRY = "registry.entry"
"""One entry of a registry: {name, is_class}."""

REGISTRY_WRITE = "registry.write"
"""An attempt to change a frozen registry: {via, changed}."""

REGISTRY_READ = "registry.read"
"""One thread's read of a registry: {round, frozen, names}."""

CONTEXT_WRITE = "context.write"
"""An attempt to change a context: {via, changed}."""

CONTEXT_ID = "context.id"
"""An id offered to a context: {field, text, legitimate, accepted}."""

CONTEXT_KEY = "context.key"
"""A key made from parts: {parts, key}."""

LEGACY_CALL = "legacy.call"
"""A call of the legacy API: {call, works, warning, replacement}; the last two are None where no warning is due."""

LEGACY_EVENT = "legacy.event"
"""An event that the legacy API delivered: {owner, observer}."""
