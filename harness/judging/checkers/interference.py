"""One user's failure, cancellation or disconnect changes nothing that others are answered.

How it works: each valid user's part of the history is held against the model of one user alone
(`harness.judging.single_user.SingleUser`), which knows nothing of the others. Whatever answer it cannot explain came
from outside.

An answer says something about interference only after somebody else has had a fault: before that there is nothing
that could interfere, and the answer counts for nothing here. An answer that cannot be explained is found at any time,
but for two cases that nobody else can have caused, which are doubts: nobody else is there, or a call ended in an error
before anybody else had a fault. A target that fails on its own is not shown to isolate, nor not to.

A bystander is answered with an error, or not to the end, through no fault of their own. Now and then that happens to
everybody. It is found where an operation that has served one user alone (`Header.served`) serves no bystander any more:
BYSTANDER_ASKS times in a row, to the end of the history.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.model import Call, CallJoiner, Event, EventKind, Header, UserId, is_intruder
from harness.history.probes import DISCONNECTED, FAULT
from harness.history.semantics import SENT
from harness.judging.answers import Aspect
from harness.judging.described import Described
from harness.judging.single_user import SingleUser
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "interference"
ANOMALY = Aspect.UNEXPLAINED.value
BYSTANDER_ASKS = 3
"""So often in a row an operation must fail, with nobody served after that, to be found."""


@dataclass(frozen=True, slots=True)
class _Last:
    """How the last call of an operation ended, and how many in a row have failed."""

    call: Call
    failures: int = 0


class InterferenceFold:
    """Finds answers that a user's own actions do not explain.

    Examined: each answer that could be judged, once another user has had a fault: an injected one, a disconnect, work
    that failed, a call that ended in an error; and, at the end, each operation that has served one user alone. Nothing
    else is known of operations of which no more is said than what they make and take.

    Source: CWE-567; incident rows A3, A10, A11, A19, A20, A21, C3, C7, D5, D8.
    """

    def __init__(self, header: Header) -> None:
        """Know what the service says of its operations, and nothing of any user yet."""
        self._tally = Tally(NAME)
        self._described = Described(header.promises)
        self._models: dict[UserId, SingleUser] = {}
        self._judged = {name for name, known in self._described.operations.items() if known.judged}
        self._troubled: set[UserId] = set()
        self._calls = CallJoiner()
        self._served = frozenset(header.served)
        self._last: dict[str, _Last] = {}

    def step(self, event: Event) -> None:
        """Take the next event."""
        user = event.user
        if not user or is_intruder(user):
            return
        call = self._calls.step(event)
        if call is not None and event.name in self._served:
            self._ended(call)
        model = self._models.get(user)
        if model is None:
            model = self._models[user] = SingleUser(self._described)
        before = model.facts[Aspect.UNEXPLAINED]
        deviations = [found for found in model.step(event) if found.aspect is Aspect.UNEXPLAINED]
        facts = max(model.facts[Aspect.UNEXPLAINED] - before, len(deviations))
        if event.kind is EventKind.OK and event.name in self._judged:
            facts = max(facts, 1)  # it could have been an error
        others_in_trouble = len(self._troubled) > (user in self._troubled)
        of_its_own = len(self._models) == 1 or (event.kind is EventKind.INFO and not others_in_trouble)
        if others_in_trouble or (deviations and not of_its_own):
            self._tally.examine(ANOMALY, facts)
        for deviation in deviations:
            if of_its_own:
                self._tally.doubt(f"the target fails on its own: {user}: {deviation.message}")
                continue
            self._tally.find(
                Finding(
                    anomaly=ANOMALY,
                    message=f"{user}: {deviation.message}",
                    observer=user,
                    witness=deviation.witness,
                )
            )
        if user not in self._troubled and self._is_trouble(event):
            self._troubled.add(user)

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        tally = Tally(NAME)
        for last in self._last.values():
            self._judge(last, tally)
        return self._tally.verdict().merge(tally.verdict())

    def _ended(self, call: Call) -> None:
        """Take in how a call ended of what has served one user alone; who hung up has left their answer themselves."""
        name = call.completion.name
        if call.completion.kind is not EventKind.INFO:
            self._last[name] = _Last(call)
        elif not (call.invocation.value or {}).get(SENT, {}).get("options"):
            known = self._last.get(name)
            self._last[name] = _Last(call, known.failures + 1 if known is not None else 1)

    def _judge(self, last: _Last, tally: Tally) -> None:
        event = last.call.completion
        if not self._troubled - {event.user} or event.kind is EventKind.FAIL or 0 < last.failures < BYSTANDER_ASKS:
            return
        tally.examine(ANOMALY)
        if last.failures:
            failed = f"at the end failed {last.failures} times in a row"
            message = f"{event.user}: {event.name} serves one user alone, and {failed}"
            witness = (last.call.invocation.index, event.index)
            tally.find(Finding(anomaly=ANOMALY, message=message, observer=event.user, witness=witness))

    def _is_trouble(self, event: Event) -> bool:
        if event.kind is EventKind.PROBE:
            return event.name in (FAULT, DISCONNECTED)
        if event.kind is EventKind.PUSH:
            frame = self._described.frames.last(event)
            return frame is not None and frame.type not in frame.form.completes
        return event.kind is EventKind.INFO


CHECKER = Checker(
    NAME,
    "every answer is one that the user's own actions allow, whatever befalls the others",
    (ANOMALY,),
    InterferenceFold,
)
