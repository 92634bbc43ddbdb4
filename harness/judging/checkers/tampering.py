"""What a user wrote is what that user reads, all of it, until that user changes it.

How it works: each valid user's part of the history is held against the model of one user alone
(`harness.judging.single_user.SingleUser`). An answer that the user's own actions do not explain deviates; this checker
takes the deviations of data: changed, lost, or written in part.
"""

from __future__ import annotations

from dataclasses import replace

from harness.history.model import Event, Header, UserId, is_intruder
from harness.judging.answers import Aspect
from harness.judging.described import Described
from harness.judging.single_user import SingleUser
from harness.judging.verdict import Checker, Finding, Tally, Verdict

NAME = "tampering"
ASPECTS = (Aspect.TAMPERED, Aspect.LOST, Aspect.PARTIAL)


class TamperingFold:
    """Finds data that its owner did not write so.

    Examined: tampered: each acknowledged object whose text an answer shows. lost-write: each acknowledged object that
    an answer had to show, and each acknowledged edit. partial-write: each listing after the end of work that writes
    all of its objects or none. Nothing where the description does not say which operations make, show or list texts.

    Source: CWE-567, CWE-362, CWE-459; incident rows A4, C1, C3, C4, C9, C10, D4.
    """

    def __init__(self, header: Header) -> None:
        """Know what the service says of its operations, and nothing of any user yet."""
        self._tally = Tally(NAME)
        self._described = Described(header.promises)
        self._models: dict[UserId, SingleUser] = {}

    def step(self, event: Event) -> None:
        """Take the next event."""
        if not event.user or is_intruder(event.user):
            return
        model = self._models.get(event.user)
        if model is None:
            model = self._models[event.user] = SingleUser(self._described)
        for deviation in model.step(event):
            if deviation.aspect in ASPECTS:
                self._tally.find(
                    Finding(
                        anomaly=deviation.aspect.value,
                        message=f"{event.user}: {deviation.message}",
                        observer=event.user,
                        owner=event.user,
                        witness=deviation.witness,
                    )
                )

    def verdict(self) -> Verdict:
        """Say what has been seen so far."""
        found = self._tally.verdict()
        examined = {aspect.value: sum(model.facts[aspect] for model in self._models.values()) for aspect in ASPECTS}
        for name, count in found.violations.items():
            examined[name] = max(examined[name], count)  # what was found was examined
        return replace(found, examined={name: facts for name, facts in examined.items() if facts})


CHECKER = Checker(
    NAME,
    "what a user wrote stays as it was written, and a request writes all or nothing",
    tuple(aspect.value for aspect in ASPECTS),
    TamperingFold,
)
