"""One user at work: signs in, opens every channel, does one step after another, and comes to rest.

Rules:

- Steps of one user follow one another; pushed frames come at any time between.
- Whom the target gives no answer, or whose channel it closes, takes no further part.
- A user who is sent away before the end disconnects, which is a fault that the harness injects and records.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from gevent.event import Event as Signal
from gevent.lock import BoundedSemaphore

from harness.adapter.sign_in import Headers, TurnedAway
from harness.history.model import Credential, EventKind, Unreachable
from harness.history.probes import DISCONNECTED, FAULT
from harness.history.semantics import at, body_of
from harness.load.abilities import Ability
from harness.load.belongings import Belongings, Objects
from harness.load.cohort import Cohort
from harness.load.connection import Connection, NoAnswer
from harness.load.conversation import Conversation
from harness.load.http_connection import CALL_S
from harness.load.users import plainly_named
from harness.load.work import Pending, WorkUnderWay
from harness.scenario.symbols import Id, is_id, made_by

WORK_S = 40.0
"""How long work may take to end; more than the target's own limit."""
SOON_S = 1.0
"""How long the last frame of work is awaited before the service is asked for it."""
FRAME_S = 3.0
"""How long the last frame may take after the service has said that the work has ended."""
TRIAL_S = 0.5
"""How long a channel must stay open on another's object to count as open."""
MOST_WATCHED = 2
"""Channels that a user holds open on objects of their own."""
MOST_NESTED = 4
"""An object may be made on another, which is made on another, ...: so deep at most."""


class VirtualUser:
    """One user.

    Args:
        cohort: to which the user belongs.
        session: a FastHttpSession of Locust.
    """

    def __init__(self, cohort: Cohort, session: Any) -> None:
        self.cohort = cohort
        self.user = cohort.enrol(self)
        self.random = random.Random(f"{cohort.options.seed} {self.user.number}")
        self.whole, self.left = True, False
        self.belongings = Belongings()
        self._news = Signal()
        self.work = WorkUnderWay(self._news.set)
        self.done: Counter[str] = Counter()
        self.rushing = False
        self._session = session
        self._headers: Headers = {}
        self._invalid: dict[Credential, Headers | None] = {}
        self._conversation: Conversation | None = None
        self._next_device = len(cohort.abilities.channels)
        self._ended_in_order: set[int] = set()
        self._busy = BoundedSemaphore(1)

    # Coming and going

    def begin(self) -> None:
        """Sign in, open every channel that is opened on no object, and subscribe to one object of each kind of two."""
        try:
            self._sign_in()
            for device, ability in enumerate(self.cohort.abilities.channels):
                if not ability.slots:
                    self._open(ability, {}, device)
            for ability in self.cohort.abilities.subscribing:
                if self.ask(ability) is None:
                    raise NoAnswer(f"{ability.name} was refused, on the user's own object")
                self.own(ability, another=True)  # to which this user does not subscribe
        except (NoAnswer, Unreachable) as error:
            why = str(error).replace(repr(self.user.name), "...").replace(self.user.id, "a user")
            self.lose(f"a user could not begin ({why}): start the target, or mend --host or the adapter")

    def step(self, act: Callable[[VirtualUser], None]) -> None:
        """Carry out one step, unless all is about to end."""
        with self._busy:
            if self.cohort.stopping.is_set() or not self.whole or self.left:
                return
            try:
                self._open_again()
                act(self)
            except NoAnswer as gone:
                self.lose(str(gone))

    def lose(self, why: str) -> None:
        """Take no further part."""
        if self.whole:
            self.whole = False
            self.cohort.doubt(why)
            self.close()
            self.cohort.notice_loss()

    def leave(self) -> None:
        """Disconnect in the middle of whatever is under way."""
        if self.left or not self.whole:
            return
        self.left = True
        under_way = self.conversation.under_way
        calls = [under_way[1]] if under_way is not None else []
        record, user = self.cohort.record, self.user.id
        self.cohort.fault()
        record(EventKind.PROBE, FAULT, {"fault": "disconnect", "calls": calls}, user=user)
        if under_way is not None:
            asker, call, name, device = under_way
            record(EventKind.INFO, name, {"error": "disconnected"}, user=asker, call=call, device=device)
        for device in sorted({0, *self.conversation.connections}):
            record(EventKind.PROBE, DISCONNECTED, user=user, device=device)
        self.close()
        self.cohort.arrived(self)

    def close(self) -> None:
        """Drop every connection."""
        if self._conversation is not None:
            self._conversation.close()

    @property
    def conversation(self) -> Conversation:
        """With the service."""
        if self._conversation is None:
            self._conversation = Conversation(self.cohort, self.user, self._session, self.work, self._closed)
        return self._conversation

    def _sign_in(self) -> None:
        try:
            self._headers = self.cohort.sign_in(self.user)
        except TurnedAway:
            self.user = plainly_named(self.user, self.cohort.options.run)
            self._headers = self.cohort.sign_in(self.user)

    # Coming to rest

    def rest(self) -> None:
        """Wait for the end of all work and read every channel as far as can be."""
        with self._busy:
            try:
                self._await_work()
                for connection in tuple(self.conversation.connections.values()):
                    connection.read_to_fence(CALL_S)
            except NoAnswer as gone:
                self.lose(str(gone))

    @property
    def unended(self) -> frozenset[str]:
        """The work of which nobody says that it has ended."""
        return frozenset(self.work.untold)

    def _await_work(self) -> None:
        """Wait for each last frame; where none comes, ask for the work, and only then believe that it was lost."""
        work, progress = self.work, self.cohort.abilities.progress
        for pending in tuple(work.asked_for.values()):
            self._await_end(progress[pending.kind], pending)
        self._await_frames(SOON_S)
        for pending in tuple(work.pushed.values()):
            if pending.kind in progress:
                self._await_end(progress[pending.kind], pending)
        untold = {name for name, pending in work.pushed.items() if pending.kind not in progress}
        self._await_frames(WORK_S if untold else FRAME_S)
        work.untold |= untold & set(work.pushed)

    def _await_frames(self, most_s: float) -> None:
        until_s = time.monotonic() + most_s
        while self.work.pushed and time.monotonic() < until_s:
            self._news.clear()
            self._news.wait(0.1)

    def _await_end(self, progress: Ability, work: Pending) -> None:
        objects = self.belongings.objects_with(progress.slots, work.kind, work.name)
        until_s, pause_s = time.monotonic() + WORK_S, 0.02
        while objects is not None and not self.work.has_ended(work):
            answer = self.ask(progress, objects)
            if answer is None or _is_final(progress, answer):
                break
            if time.monotonic() > until_s:
                raise NoAnswer(f"a {work.kind} did not end within {WORK_S:.0f} s")
            self._news.clear()
            self._news.wait(pause_s)
            pause_s = min(2 * pause_s, 1.0)
        self.work.asked_for.pop(str(work.name), None)

    # What the user does

    def own(self, ability: Ability, *, another: bool = False) -> Objects | None:
        """Return objects of the user's own to do something on; what is missing is made.

        Args:
            ability: what is to be done. What changes things, and what starts work, is done where the user hears of it.
            another: whether to take an object to which the user has not subscribed.
        """
        return self._own(ability, another, MOST_NESTED)

    def _own(self, ability: Ability, another: bool, depth: int) -> Objects | None:
        own, semantics = self.belongings, ability.semantics
        if not ability.slots:
            return {}
        for slot in ability.slots:
            lacking = not (own.disposable(slot.kind) if another else own.of(slot.kind))
            maker = self.cohort.abilities.makers.get(slot.kind)
            if lacking and maker is not None and depth:
                objects = self._own(maker, False, depth - 1)
                if objects is None or self.ask(maker, objects) is None:
                    return None
        kind = semantics.takes or ability.slots[-1].kind
        known = own.disposable(kind) if another else own.of(kind)
        if ability.changes and not another:
            known = [name for name in known if name in own.subscribed] or known
        return own.objects_with(ability.slots, kind, self.random.choice(known)) if known else None

    def ask(self, ability: Ability, objects: Objects | None = None) -> Any:
        """Do something on the user's own objects; return the value of the answer, or None when there was no success.

        Args:
            ability: what.
            objects: on what; on those that `own` gives when left out.

        Raises:
            NoAnswer: there was no answer.
        """
        objects = self.own(ability) if objects is None else objects
        device = self.conversation.device_of(ability.channel) if ability.channel is not None else 0
        if objects is None or device is None:
            return None
        self.done[ability.name] += 1
        kind, value = self.conversation.ask(
            ability,
            objects,
            self._headers,
            version=self._version(ability, objects),
            device=device,
            measured=not self.rushing,
        )
        if kind is not EventKind.OK:
            return None
        self._learn(ability, objects, value)
        return value

    def attempt(self, ability: Ability, objects: Objects) -> None:
        """Try something on objects that are not the user's.

        Raises:
            NoAnswer: there was no answer.
        """
        conversation, channel = self.conversation, ability.channel
        if channel is None:
            conversation.ask(ability, objects, self._headers)
        elif channel is not ability.part:
            if (device := conversation.device_of(channel)) is not None:
                conversation.ask(ability, objects, self._headers, device=device)
        else:
            device = self._new_device()
            conversation.ask(ability, objects, self._headers, device=device, trial_s=TRIAL_S)
            conversation.drop(device)

    def trespass(self, credential: Credential, ability: Ability) -> None:
        """Ask under this user's name without a valid credential.

        Raises:
            NoAnswer: there was no answer.
        """
        if credential not in self._invalid:
            intruder = type(self.user)(self.user.number, self.user.name, credential)
            try:
                self._invalid[credential] = self.cohort.sign_in(intruder)
            except Unreachable:
                self._invalid[credential] = None  # no such credential can be had here
        headers, objects = self._invalid[credential], self.own(ability)
        if headers is not None and objects is not None:
            self.conversation.ask(ability, objects, headers, credential=credential)

    def watch(self, ability: Ability) -> None:
        """Open a channel on an object of the user's own, and leave the oldest when there are too many.

        Raises:
            NoAnswer: there was no answer.
        """
        first = len(self.cohort.abilities.channels)
        watched = [device for device in self.conversation.connections if device >= first]
        if len(watched) >= MOST_WATCHED:
            self.cohort.fault()
            self.cohort.record(EventKind.PROBE, FAULT, {"fault": "disconnect", "calls": []}, user=self.user.id)
            self.conversation.drop(watched[0])
        objects = self.own(ability)
        if objects is not None:
            self._open(ability, objects, self._new_device())

    # What comes of it

    def _version(self, ability: Ability, objects: Objects) -> int:
        semantics = ability.semantics
        name = objects.get(semantics.argument, "")
        reading = self.cohort.abilities.versions.get(semantics.takes or "")
        if semantics.edits and self.belongings.version(name) is None and reading is not None:
            shown = self.belongings.objects_with(reading.slots, semantics.takes or "", name)
            if shown is not None:
                self.ask(reading, shown)
        return self.belongings.version(name) or 1

    def _learn(self, ability: Ability, objects: Objects, value: Any) -> None:
        semantics, own, kind = ability.semantics, self.belongings, ability.semantics.takes or ""
        taken = objects.get(semantics.argument, "")
        if semantics.makes and is_id(made := made_by(semantics, value)):
            own.learn(semantics.makes, made, ability.slots, objects)
            own.told_version(made, semantics.version_of(value))
            if semantics.starts is not None:
                self._started(ability, objects, made)
        elif taken != "":
            own.told_version(taken, semantics.version_of(value))
            if semantics.subscribes:
                own.subscribed.add(taken)
            if semantics.deletes:
                own.forget(kind, taken)
            if _is_final(ability, value):
                self.work.asked_for.pop(str(taken), None)
        if taken != "" and not (semantics.deletes or semantics.ends):
            self.cohort.show(ability, self.user, objects)

    def _started(self, ability: Ability, objects: Objects, made: Id) -> None:
        kind, abilities = ability.semantics.makes or "", self.cohort.abilities
        self.work.start(
            Pending(kind, made, self.conversation.asked_s),
            pushed=abilities.is_pushed(ability, objects, self.belongings.subscribed),
            told=kind in abilities.progress,
        )

    # Channels

    def _open(self, ability: Ability, objects: Objects, device: int) -> None:
        kind, value = self.conversation.ask(ability, objects, self._headers, device=device)
        if kind is not EventKind.OK:
            raise NoAnswer(f"{ability.name} was refused with {value.get('status')}")
        self._learn(ability, objects, value)

    def _new_device(self) -> int:
        self._next_device += 1
        return self._next_device - 1

    def _closed(self, connection: Connection, reason: str) -> None:
        if self.left or not self.whole:
            return
        if connection.device >= len(self.cohort.abilities.channels):
            self.conversation.drop(connection.device)
        elif connection.in_order and connection.channel.protocol != "websocket":
            self._ended_in_order.add(connection.device)
            self.conversation.drop(connection.device)
        else:
            self.lose(f"the target closed a user's channel {connection.channel.name} with {reason}")

    def _open_again(self) -> None:
        """Open the streams again that the target has ended in good order, as clients of such streams do."""
        for device in tuple(self._ended_in_order):
            self._ended_in_order.discard(device)
            self._open(self.cohort.abilities.channels[device], {}, device)


def _is_final(ability: Ability, value: Any) -> bool:
    """Return whether this answer says that the work has ended that was asked for."""
    progress = ability.semantics.progress
    return progress is not None and at(body_of(value), progress.status) in progress.final
