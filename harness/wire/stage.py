"""Performs one script on a service, and has every checker listen.

How it works. Users sign in first. Then wave after wave: each act is a task that waits for its moment, does its deed and
records what came of it. At the end everybody listens until nothing has arrived for a while: a service says of no push
that it was the last.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from secrets import randbits, token_hex
from statistics import median

from harness.adapter.adapter import CANARY, EMAIL, LAST_EVENT, SESSION, USER, Adapter, Channel, Message, Route, fill
from harness.adapter.sign_in import Headers, email_of
from harness.claims.run_folder import HistoryFile
from harness.history.model import Event, EventKind, Header, Refused, Unreachable, User, Value
from harness.history.recorder import Recorder
from harness.judging.verdict import Checker, FoldGuard, Verdict
from harness.scenario.harvest import Harvest, Unresolvable
from harness.scenario.script import Act, Deed, Script
from harness.wire.admission import admit
from harness.wire.answers import Misfit, has, id_in, kept, recorded
from harness.wire.channels import OnFrame, OpenChannel, open_channel
from harness.wire.exchange import Asked, Exchange
from harness.wire.filling import asked_of, opening_of, parted
from harness.wire.log import Log, log_of
from harness.wire.stimuli.setting import events_of, is_valid

FOREIGN, MISSING = "foreign", "missing"
NOBODYS = "note of nobody"
TRIED_S, TRIED_RTTS = 0.5, 10
"""How long a channel must stay open to count as open, and a message is waited for that says something was done: so many
seconds, or usual round-trip times if these are more."""
QUIET_S, MOST_QUIET_S = 0.25, 3.0
"""Everybody listens until nothing has arrived for so long, and at most so long."""


def anew(header: Header) -> Header:
    """Return the header of one more performance, with marks of its own.

    A service goes on between two performances of one script: what the first has left in it must not count in the next.
    """
    return replace(header, seed=randbits(48))


@dataclass(slots=True)
class Performed:
    """What came of one script.

    Args:
        script: as it was performed.
        header: of its history.
        events: all of it.
        verdicts: by checker.
        requests: how many acts were carried out.
        left_out: how many were not, as they named an object that was never made.
        renamed: how many users have a plain name, as the service turned them away under their own.
        faults: how many times a client hung up or was dropped.
        answers: how many of each status, by operation.
        misfits: answers that were not what the adapter says.
        broken_off: why it did not come to its end: the service is not there, or does not let its users in; `""` when
            it did.
        rtt_s: how long each answer took.
        refused_s: the same of refusals to valid users, of others' objects and of ids that nobody has.
    """

    script: Script
    header: Header
    events: list[Event] = field(default_factory=list)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    requests: int = 0
    left_out: int = 0
    renamed: int = 0
    faults: int = 0
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    misfits: list[str] = field(default_factory=list)
    broken_off: str = ""
    rtt_s: list[float] = field(default_factory=list)
    refused_s: dict[str, list[float]] = field(default_factory=lambda: {FOREIGN: [], MISSING: []})

    def check(self) -> None:
        """See that it came to its end.

        Raises:
            Unreachable: it did not.
        """
        if self.broken_off:
            raise Unreachable(self.broken_off)


class Stage:
    """One service, on which scripts are performed.

    Args:
        adapter: of it.
        url: of it.
        checkers: who judges.
        file: where histories go; None keeps none.
        listener: told of each performance, also of one that did not come to its end.
    """

    def __init__(
        self,
        adapter: Adapter,
        url: str,
        checkers: Mapping[str, Checker],
        file: HistoryFile | None = None,
        listener: Callable[[Performed], None] = lambda performed: None,
    ) -> None:
        self.adapter = adapter
        self.url = url
        self._checkers = checkers
        self._file = file
        self._listener = listener

    async def perform(self, script: Script, header: Header) -> Performed:
        """Perform a script from its first wave to its last, or as far as the service goes along."""
        performed = Performed(script, header)
        folds = {name: FoldGuard(checker, header) for name, checker in self._checkers.items()}
        listeners = [performed.events.append, *(fold.step for fold in folds.values())]
        if self._file is not None:
            self._file.begin(header)
            listeners.append(self._file.append)
        exchange = Exchange(self.url, self.adapter.http2)
        scene = _Scene(self.adapter, script.users, Recorder(*listeners), exchange, Harvest(header.seed), performed)
        try:
            await scene.play(script)
        except Unreachable as error:
            performed.broken_off = str(error)
        finally:
            await scene.close()
            performed.verdicts = {name: fold.verdict() for name, fold in folds.items()}
            if self._file is not None:
                self._file.end()
            self._listener(performed)
        return performed


@dataclass(slots=True)
class _Scene:
    """One script under way."""

    adapter: Adapter
    users: tuple[User, ...]
    recorder: Recorder
    exchange: Exchange
    harvest: Harvest
    performed: Performed
    signed: tuple[Headers, ...] = ()
    channels: dict[tuple[int, str, int], OpenChannel] = field(default_factory=dict)
    answers: dict[tuple[int, str, int], list[asyncio.Queue[Value]]] = field(default_factory=dict)
    log: Log | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, script: Script) -> None:
        """Sign everybody in, and perform the waves."""
        await self.exchange.check()
        admitted = await admit(script.users, self.adapter.sign_in, self.exchange, token_hex(4))
        self.users, self.signed = admitted.users, admitted.credentials
        self.performed.renamed = admitted.renamed
        if self.adapter.log is not None:
            self.log = log_of(self.adapter.log, {user.name: user.id for user in self.users if is_valid(user)})
        for wave in script.waves:
            began = time.monotonic()
            tasks = [asyncio.ensure_future(self._act(act, began)) for act in wave]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            self._read_log()
        if self.channels:
            await self._listen()
        self._read_log()

    async def close(self) -> None:
        """Drop everything."""
        opened = list(self.channels.values())
        self.channels.clear()
        await asyncio.gather(*(channel.close() for channel in opened), return_exceptions=True)
        if self.log is not None:
            self.log.close()
        await self.exchange.close()

    async def _listen(self) -> None:
        until = time.monotonic() + MOST_QUIET_S
        while time.monotonic() < until:
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), QUIET_S)
            except TimeoutError:
                return

    # Acts

    async def _act(self, act: Act, began: float) -> None:
        user = self.users[act.user]
        await asyncio.sleep(max(0.0, began + act.manner.at_s - time.monotonic()))
        given = {}
        for slot, symbol in act.given.items():
            try:
                given[slot] = self.harvest.resolve(symbol)
            except Unresolvable:
                if slot != LAST_EVENT:  # who has heard nothing says nothing of it
                    self.performed.left_out += 1
                    return
        given = {CANARY: "", USER: user.name, EMAIL: email_of(user), SESSION: given.get(SESSION, ""), **given}
        self.performed.requests += 1
        match act.deed:
            case Deed.ASK:
                await self._ask(act, user, self.adapter.route(act.name), given)
            case Deed.OPEN | Deed.ATTEMPT:
                await self._open(act, user, self.adapter.channel(act.name), given)
            case Deed.SAY:
                await self._say(act, user, given)
            case Deed.CLOSE:
                await self._drop(act)

    async def _ask(self, act: Act, user: User, route: Route, given: Mapping[str, str]) -> None:
        if route.carries:
            given = {**given, CANARY: self._text(act, user)}
        asked = asked_of(route, given, self.signed[act.user], self.harvest.numbers)
        call = self._invoked(act, user, f"{asked.method} {asked.path}", given, asked)
        began = time.monotonic()
        value: Value
        try:
            answer = await self.exchange.ask(asked, act.manner, f"user {act.user}")
        except TimeoutError:
            self.performed.faults += 1
            self._completed(EventKind.INFO, act, user, {"error": "the client hung up"}, call)
            return
        except ConnectionError as error:
            await self.exchange.check()
            self._completed(EventKind.INFO, act, user, {"error": str(error)}, call)
            return
        took_s = time.monotonic() - began
        self.performed.rtt_s.append(took_s)
        if answer.is_refusal and is_valid(user) and (whose := _whose(act, user)):
            self.performed.refused_s[whose].append(took_s)
        if not answer.whole:
            self.performed.faults += 1
        kind = answer.kind if answer.whole or answer.is_refusal else EventKind.INFO
        value = recorded(answer, self.harvest.canaries)
        if kind is EventKind.OK and route.makes:
            try:
                name = id_in(answer, route)
                value["id"] = str(name)
                if is_valid(user):
                    self.harvest.learn(route.makes, user, name)
            except Misfit as misfit:
                self.performed.misfits.append(str(misfit))
        self._completed(kind, act, user, value, call)

    async def _open(self, act: Act, user: User, channel: Channel, given: Mapping[str, str]) -> None:
        place = (act.user, act.name, act.device)
        if place in self.channels:
            await self._drop(act)
        opening = opening_of(channel, self.exchange.url, given, self.signed[act.user])
        call = self._invoked(act, user, f"OPEN {channel.protocol} {opening.target}", given)
        http = self.exchange.client(f"user {act.user}")
        try:
            opened = self.channels[place] = await open_channel(channel, opening, http, self._listener(act, user))
        except Refused as refusal:
            value = {"status": refusal.status, "text": refusal.text}
            self._completed(EventKind.FAIL, act, user, value, call)
            return
        except ConnectionError as error:
            await self.exchange.check()
            self._completed(EventKind.INFO, act, user, {"error": str(error)}, call)
            return
        if act.deed is Deed.OPEN:
            self._completed(EventKind.OK, act, user, {"opened": channel.protocol}, call)
        for message in channel.hello:
            await self._said(act, user, message, place, given)
        if act.deed is Deed.ATTEMPT:
            closed = await self._refusal(opened)
            if closed is None:
                self._completed(EventKind.OK, act, user, {"opened": channel.protocol}, call)
            else:
                self._completed(EventKind.FAIL, act, user, {"status": closed.status, "text": closed.text}, call)

    async def _refusal(self, opened: OpenChannel) -> Refused | None:
        """Return with what the service closes a channel again; None when it stays open for a while."""
        try:
            return await asyncio.wait_for(opened.refusal(), self._patience_s())
        except TimeoutError:
            return None

    def _patience_s(self) -> float:
        usual_s = median(self.performed.rtt_s) if self.performed.rtt_s else 0.0
        return max(TRIED_S, TRIED_RTTS * usual_s)

    async def _say(self, act: Act, user: User, given: Mapping[str, str]) -> None:
        channel, message = self.adapter.message(act.name)
        await self._said(act, user, message, (act.user, channel.name, act.device), given)

    async def _said(
        self, act: Act, user: User, message: Message, place: tuple[int, str, int], given: Mapping[str, str]
    ) -> None:
        opened = self.channels.get(place)
        if opened is None:
            return
        frame = fill(message.send, {**given, CANARY: self._text(act, user)})
        said = replace(act, name=message.name)
        call = self._invoked(said, user, f"SAY {json.dumps(frame)}", given)
        answers: asyncio.Queue[Value] = asyncio.Queue()
        self.answers.setdefault(place, []).append(answers)
        try:
            await opened.say(frame)
            done = message.done is None or await self._comes(fill(message.done, given), answers)
        except ConnectionError as error:
            self._completed(EventKind.INFO, said, user, {"error": str(error)}, call)
            return
        finally:
            self.answers[place].remove(answers)
        self._completed(EventKind.OK if done else EventKind.FAIL, said, user, {"done": done}, call)

    async def _comes(self, wanted: Value, answers: asyncio.Queue[Value]) -> bool:
        """Return whether a frame that has this in it comes within a while."""
        try:
            async with asyncio.timeout(self._patience_s()):
                while not has(await answers.get(), wanted):
                    pass
        except TimeoutError:
            return False
        return True

    async def _drop(self, act: Act) -> None:
        opened = self.channels.pop((act.user, act.name, act.device), None)
        if opened is not None:
            self.performed.faults += 1
            await opened.close()

    def _text(self, act: Act, user: User) -> str:
        """Return what a user writes; an intruder's text is nobody's, as they ask in the name of somebody else."""
        return self.harvest.canary(user, act.manner.size) if is_valid(user) else NOBODYS

    # Recording

    def _read_log(self) -> None:
        for user, record in self.log.records() if self.log is not None else ():
            self.recorder.record(EventKind.PUSH, "log", kept(record, self.harvest.canaries), user=user)

    def _listener(self, act: Act, user: User) -> OnFrame:
        def on_frame(value: Value) -> None:
            self.news.set()
            for answers in self.answers.get((act.user, act.name, act.device), ()):
                answers.put_nowait(value)
            channel = self.adapter.channel(act.name)
            if channel.protocol == "sse" and isinstance(value, dict) and value.get("id") and is_valid(user):
                self.harvest.learn(events_of(channel), user, str(value["id"]))
            text = value if isinstance(value, str) else json.dumps(value)
            said = value if len(text) < 4_000 else kept(text, self.harvest.canaries)
            self.recorder.record(EventKind.PUSH, act.name, said, user=user.id, device=act.device)

        return on_frame

    def _invoked(self, act: Act, user: User, request: str, given: Mapping[str, str], asked: Asked | None = None) -> int:
        call = self.recorder.next_call()
        value: dict[str, Value] = {"request": request}
        value |= {slot: name for slot, name in given.items() if name and slot not in (CANARY, USER, EMAIL)}
        _, secret = parted(self.signed[act.user])
        if asked is not None and (query := {name: text for name, text in asked.query.items() if name not in secret}):
            value["query"] = query
        if asked is not None and asked.body:
            value["body"] = kept(asked.body.decode(), self.harvest.canaries)
        if str(act.manner):
            value["manner"] = str(act.manner)
        self.recorder.record(EventKind.INVOKE, act.name, value, user=user.id, device=act.device, call=call)
        return call

    def _completed(self, kind: EventKind, act: Act, user: User, value: Value, call: int) -> None:
        self.performed.answers[act.name, str(value.get("status", kind.value))] += 1
        self.recorder.record(kind, act.name, value, user=user.id, device=act.device, call=call)


def _whose(act: Act, user: User) -> str:
    """Return whether an act is on an object that is another's, or that nobody has; `""` on one's own."""
    places = [symbol.split(":") for symbol in act.given.values() if not symbol.startswith("$session")]
    if any(what == "$missing" for what, *_ in places):
        return MISSING
    return FOREIGN if any(where != str(user.number) for _, where, *_ in places) else ""
