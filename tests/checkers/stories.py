"""Histories told in a few words, for the tests of checkers.

A `Story` writes one event after another; its methods read as what happened. Users are `u00`, `u01`, ... The service is
the bundled backend, unless a story says otherwise.
"""

from __future__ import annotations

from harness.history.canary import Canaries
from harness.history.model import Event, EventKind, Header, History, Promises, UserId, Value
from harness.history.probes import DISCONNECTED, FAULT, RESOURCES, SETTLED
from harness.history.semantics import BODY, GIVEN, OBJECTS, QUERY, SEEN, TEXT, VERSION, Semantics
from harness.judging.checkers import CHECKERS
from harness.judging.verdict import Verdict, judge
from harness.targets.bundled import BUNDLED

ANN, BOB, CAT = "u00", "u01", "u02"
EVE = "u03~expired"
"""An intruder."""

SEED = 7

_GIVEN = frozenset({TEXT, VERSION, QUERY, SEEN})


def asked(known: Semantics | None, arguments: dict[str, Value]) -> dict[str, Value]:
    """Return the value of an INVOKE. `id` is the object that the operation takes, whatever its argument is called."""
    given = {name: value for name, value in arguments.items() if name.partition(":")[0] in _GIVEN}
    if known is not None and known.searches and TEXT in given:
        given[QUERY] = given.pop(TEXT)
    objects = {name: value for name, value in arguments.items() if name.partition(":")[0] not in _GIVEN}
    if known is not None and known.argument and "id" in objects:
        objects[known.argument] = objects.pop("id")
    return {key: value for key, value in ((OBJECTS, objects), (GIVEN, given)) if value}


def run_of(agent: str, text: str) -> tuple[str, dict[str, Value]]:
    """Return which operation of the bundled backend starts this agent with this text, and what it is given."""
    order, _, rest = text.partition(": ")
    match agent, order:
        case "notebook", "remember":
            texts = rest.split(" | ")
            return "remember", {TEXT: texts[0]} | {f"{TEXT}:{nth}": text for nth, text in enumerate(texts[1:], 2)}
        case "faulty", _:
            return order, {TEXT: rest}
    return "narrate", {TEXT: text}


class Story:
    """A history under construction."""

    def __init__(self, promises: Promises | None = None) -> None:
        """Begin an empty history."""
        promises = BUNDLED.promises if promises is None else promises
        self.header = Header(target="told", suite="tests", seed=SEED, users=3, promises=promises)
        self.canaries = Canaries(SEED)
        self.events: list[Event] = []
        self._asked: dict[int, Event] = {}

    def mark(self, user: UserId) -> str:
        """Mint a fresh canary of the user."""
        return self.canaries.mint(int(user[1:3]))

    def event(
        self, kind: EventKind, user: UserId, name: str, value: Value, device: int = 0, call: int | None = None
    ) -> int:
        """Write one event; return its index."""
        index = len(self.events)
        self.events.append(Event(index=index, kind=kind, user=user, device=device, call=call, name=name, value=value))
        return index

    # Calls

    def asks(self, user: UserId, name: str, device: int = 0, **arguments: Value) -> int:
        """Ask for an operation; return the call."""
        call = len(self._asked)
        value = asked(self.header.promises.operations.get(name), arguments)
        index = self.event(EventKind.INVOKE, user, name, value, device, call)
        self._asked[call] = self.events[index]
        return call

    def ok(self, call: int, answer: Value = None) -> int:
        """Answer the call."""
        return self._end(EventKind.OK, call, {BODY: answer})

    def fail(self, call: int, status: int = 404, text: str = "not found") -> int:
        """Refuse the call."""
        return self._end(EventKind.FAIL, call, {"status": status, "text": text})

    def info(self, call: int, error: str = "timeout") -> int:
        """Leave it open whether the call happened."""
        return self._end(EventKind.INFO, call, {"error": error})

    def _end(self, kind: EventKind, call: int, value: Value) -> int:
        asked = self._asked[call]
        return self.event(kind, asked.user, asked.name, value, asked.device, call)

    def does(self, user: UserId, name: str, answer: Value = None, device: int = 0, **arguments: Value) -> int:
        """Ask and be answered; return the index of the answer."""
        return self.ok(self.asks(user, name, device, **arguments), answer)

    def is_refused(
        self, user: UserId, name: str, status: int = 404, answer: str = "not found", /, **arguments: Value
    ) -> int:
        """Ask and be refused."""
        return self.fail(self.asks(user, name, **arguments), status, answer)

    def notes(self, user: UserId, note: str, text: str, version: int | None = None) -> int:
        """Write a note."""
        answer = {"id": note, "text": text} | ({} if version is None else {"version": version})
        return self.does(user, "write_note", answer, text=text)

    def opens(self, user: UserId, thread: str, *devices: int) -> None:
        """Open a thread and follow it on these devices."""
        self.does(user, "open_thread", {"id": thread, "title": thread}, text=thread)
        for device in devices:
            self.follows(user, thread, device)

    def follows(self, user: UserId, thread: str, device: int = 0, **after: int) -> int:
        """Follow a thread; `after` names the last seq seen of each run."""
        return self.does(user, "follow", {}, device, thread=thread, **({SEEN: after} if after else {}))

    def runs(self, user: UserId, thread: str, run: str, agent: str = "narrator", text: str = "a") -> int:
        """Start a run."""
        operation, given = run_of(agent, text)
        return self.does(user, operation, {"id": run}, thread=thread, **given)

    # What arrives, and what is seen from inside

    def push(
        self,
        user: UserId,
        run: str | None,
        thread: str | None,
        seq: int,
        type: str = "agent_thinking",
        device: int = 0,
        data: Value = None,
    ) -> int:
        """Let an event arrive."""
        value = {"type": type, "user": user, "thread": thread, "run": run, "seq": seq, "data": data}
        return self.event(EventKind.PUSH, user, type, value, device)

    def pushes(self, user: UserId, run: str, thread: str, *seqs: int, last: bool = True, device: int = 0) -> None:
        """Let these events of a run arrive, the last of them as the run's last."""
        for seq in seqs:
            type = "agent_completed" if last and seq == seqs[-1] else "agent_thinking" if seq else "agent_started"
            self.push(user, run, thread, seq, type, device)

    def probe(self, name: str, value: Value, user: UserId = "", call: int | None = None) -> int:
        """See a fact from inside."""
        return self.event(EventKind.PROBE, user, name, value, call=call)

    def has_fault(self, user: UserId, *calls: int) -> int:
        """Inject a fault for this user."""
        return self.probe(FAULT, {"fault": "cancel", "calls": list(calls)}, user)

    def drops(self, user: UserId, device: int = 0) -> int:
        """Disconnect a device."""
        return self.event(EventKind.PROBE, user, DISCONNECTED, None, device)

    def holds(self, phase: str, **held: int) -> int:
        """Count what the target holds."""
        return self.probe(RESOURCES, {"held": held, "phase": phase})

    def settles(self, *still_open: str) -> int:
        """Let everything come to its end, but these runs."""
        return self.probe(SETTLED, {"open": list(still_open)})

    # What the checkers say

    def doubts(self, checker: str) -> tuple[str, ...]:
        """Return what the checker doubts."""
        return judge(CHECKERS[checker], self.header, self.history.events).doubts

    def judged(self, checker: str) -> Verdict:
        """Return the verdict; the test fails if it speaks of others' anomalies, or shows a finding by no events."""
        verdict = judge(CHECKERS[checker], self.header, self.history.events)
        assert not any("crashed" in doubt for doubt in verdict.doubts)
        assert {*verdict.examined, *verdict.violations} <= set(CHECKERS[checker].anomalies)
        for finding in verdict.findings:
            assert isinstance(finding.message, str)
            assert finding.witness
            assert finding.witness == tuple(sorted(finding.witness))
        return verdict

    def found(self, checker: str) -> dict[str, int]:
        """Return how often each anomaly was found."""
        return dict(self.judged(checker).violations)

    def examined(self, checker: str, anomaly: str) -> int:
        """Return the facts that were examined for the anomaly."""
        return self.judged(checker).examined.get(anomaly, 0)

    def concerned(self, checker: str) -> list[tuple[UserId, UserId, tuple[int, ...]]]:
        """Return of all findings who saw it, whose it is, and which events show it."""
        return [(finding.observer, finding.owner, finding.witness) for finding in self.judged(checker).findings]

    def messages(self, checker: str) -> list[str]:
        """Return the sentences of all findings."""
        return [finding.message for finding in self.judged(checker).findings]

    @property
    def history(self) -> History:
        """What was told so far."""
        return History(self.header, tuple(self.events))
