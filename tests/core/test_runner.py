from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from small_target import (
    FAIL,
    INFO,
    INVOKE,
    OK,
    PATIENT,
    PROBE,
    PUSH,
    SETTLE,
    USERS,
    Small,
    SmallClient,
    fail,
    forever,
    played,
    refuse,
    told,
    vanish,
)

from harness.history.model import (
    Credential,
    Event,
    EventKind,
    Header,
    OnPush,
    Operation,
    Probe,
    Refused,
    Unreachable,
    User,
    Value,
)
from harness.history.probes import DISCONNECTED, DOUBT, FAULT, RESOURCES, SETTLED
from harness.history.recorder import Recorder
from harness.mutants import SUBJECTS
from harness.performing.connections import Deadlines
from harness.performing.performance import promises_of
from harness.performing.runner import Runner
from harness.scenario.program import Do, Step, ask
from harness.verification.resolve import resolve


class TestCompletion:
    @pytest.mark.parametrize(
        ("answer", "completion"),
        [
            (lambda client, operation: {"id": "n"}, (OK, {"body": {"id": "n"}})),
            (refuse, (FAIL, {"status": 404, "text": "no such note"})),
            (fail, (INFO, {"error": "ValueError: broken pipe"})),
        ],
    )
    def test_says_what_is_known(self, answer: Callable[..., Value], completion: tuple[EventKind, Value]) -> None:
        """An answer is OK, a definite no is FAIL, and any other error is INFO: it may have happened."""
        events = played(Small(write_note=answer), ask(0, "write_note", text="x"), SETTLE)
        kind, value = completion
        assert [(INVOKE, "write_note", {"given": {"text": "x"}}), (kind, "write_note", value)] == told(
            events, INVOKE, OK, FAIL, INFO
        )

    def test_of_silence_is_info(self) -> None:
        """After the deadline nothing is known."""
        events = played(Small(list_notes=forever), ask(0, "list_notes"), SETTLE, deadlines=Deadlines(call_s=0.01))
        assert [(INFO, "list_notes", {"error": "TimeoutError: "})] == told(events, OK, FAIL, INFO)

    def test_of_a_cancelled_call_is_info_and_the_fault_that_names_it_comes_first(self) -> None:
        """The error is explained by the fault, in this call and no other."""
        cancel = [
            ask(0, "list_notes"),
            ask(1, "list_notes"),
            Step(Do.TICK, amount=1),
            Step(Do.CANCEL, 1),
            Step(Do.TICK, amount=3),
        ]
        events = played(Small(list_notes=forever), *cancel)
        assert [
            (INVOKE, "list_notes", "u00", 1, {}),
            (INVOKE, "list_notes", "u01", 2, {}),
            (PROBE, FAULT, "u01", None, {"fault": "cancel", "calls": [2]}),
            (INFO, "list_notes", "u01", 2, {"error": "cancelled"}),
        ] == [(event.kind, event.name, event.user, event.call, event.value) for event in events[:4]]

    def test_is_not_recorded_when_the_target_is_gone(self) -> None:
        """A target that is gone has answered neither well nor badly; whoever waits is told."""
        target, events = Small(list_notes=vanish), []
        with pytest.raises(Unreachable, match="start it"):
            events = played(target, ask(0, "list_notes"), SETTLE)
        assert ([], 1) == (events, len(target.asked))

    def test_is_missing_in_the_history_of_a_target_that_is_gone(self) -> None:
        """The history ends with the question."""
        events: list[Event] = []

        async def play() -> None:
            target = Small(list_notes=vanish)
            header = Header(target="t", suite="tests", seed=1, users=1, promises=target.promises)
            runner = Runner(target, USERS, header, Recorder(events.append), PATIENT)
            await runner.perform(ask(0, "list_notes"))
            with pytest.raises(Unreachable):
                await runner.settle()
            await runner.close()

        asyncio.run(play())
        assert [(INVOKE, "list_notes", {})] == told(events, *EventKind)


class TestConnecting:
    def test_that_fails_leaves_nothing_to_verify(self) -> None:
        """Whatever the target raises, it is unreachable, and the error says what to do."""

        class Closed(Small):
            async def connect(self, user: User, on_push: OnPush) -> SmallClient:
                raise OSError("port 80")

        with pytest.raises(Unreachable, match=r"cannot connect to small \(OSError\('port 80'\)\).*start the target"):
            played(Closed(), Step(Do.CONNECT))

    @pytest.mark.parametrize("credential", [Credential.EXPIRED, Credential.VALID])
    def test_that_is_refused_is_right_for_an_intruder_only(self, credential: Credential) -> None:
        """What the intruder asks is refused; a valid user who is refused leaves nothing to verify."""

        class Guarded(Small):
            async def connect(self, user: User, on_push: OnPush) -> SmallClient:
                raise Refused(401, "who are you")

        def play() -> list[Event]:
            return played(Guarded(list_notes=fail), ask(0, "list_notes"), SETTLE, users=(User(0, "alice", credential),))

        if credential is Credential.VALID:
            with pytest.raises(Unreachable, match="u00 cannot connect to small"):
                play()
        else:
            assert [(FAIL, "list_notes", {"status": 401, "text": "who are you"})] == told(play(), OK, FAIL, INFO)

    def test_happens_once_per_device(self) -> None:
        """Connecting again, or asking, uses the connection that is there."""
        target = Small(list_notes=lambda client, operation: [])
        played(target, Step(Do.CONNECT), Step(Do.CONNECT), ask(0, "list_notes"), ask(0, "list_notes", device=1), SETTLE)
        assert 2 == len(target.clients)

    def test_nothing_is_received_on_a_connection_that_was_dropped(self) -> None:
        """What comes late is not recorded; the disconnect is, after the fault that explains it."""
        target = Small(list_notes=lambda client, operation: client.push("soon", {}) or [])
        events = played(target, ask(0, "list_notes"), SETTLE, Step(Do.DISCONNECT))
        assert [
            (PUSH, "soon", {}),
            (PROBE, SETTLED, {"open": []}),
            (PROBE, FAULT, {"fault": "disconnect", "calls": []}),
            (PROBE, DISCONNECTED, None),
        ] == told(events, PUSH, PROBE)

    def test_a_disconnect_names_the_calls_that_may_suffer(self) -> None:
        """Those of this device only."""
        calls = [ask(0, "list_notes"), ask(0, "list_notes", device=1), ask(1, "list_notes")]
        events = played(Small(list_notes=forever), *calls, Step(Do.DISCONNECT, 0, device=1))
        assert [{"fault": "disconnect", "calls": [2]}] == [event.value for event in events if event.name == FAULT]

    def test_again_resumes_what_was_followed_from_the_last_event_that_was_seen(self) -> None:
        """Each thread, with the last seq of each of its runs; a thread without events from its beginning."""

        def follow(client: SmallClient, operation: Operation) -> Value:
            for seq in (0, 2, 1):
                client.push("agent_thinking", {"type": "agent_thinking", "thread": "t1", "run": "r", "seq": seq})

        steps = [ask(0, "follow", thread="t1"), ask(0, "follow", thread="t2"), SETTLE]
        target = Small(follow=follow)
        played(target, *steps, Step(Do.DISCONNECT), Step(Do.CONNECT), SETTLE)
        assert [
            ({"thread": "t1"}, {}),
            ({"thread": "t2"}, {}),
            ({"thread": "t1"}, {"seen": {"r": 2}}),
            ({"thread": "t2"}, {}),
        ] == [(operation.objects, operation.given) for operation in target.asked]


class TestAsking:
    def test_what_a_target_does_not_offer_is_never_asked(self) -> None:
        """Nor recorded; what comes after it is."""
        target = Small(list_notes=lambda client, operation: [])
        events = played(target, ask(0, "open_thread", text="x"), ask(0, "list_notes"), SETTLE)
        assert [(INVOKE, "list_notes", {})] == told(events, INVOKE)

    def test_a_step_about_an_object_that_was_never_made_is_left_out(self) -> None:
        """And its user is not connected for it."""
        target = Small(read_note=refuse)
        assert ([(PROBE, SETTLED, {"open": []})], []) == (
            told(played(target, ask(0, "read_note", note="$note:0:0"), SETTLE), *EventKind),
            target.clients,
        )

    def test_does_not_wait_so_that_calls_interleave(self) -> None:
        """Two users have asked before either is answered."""

        async def slowly(client: object, operation: Operation) -> Value:
            await asyncio.sleep(0)
            return []

        here = [Step(Do.CONNECT, 0), Step(Do.CONNECT, 1)]
        events = played(Small(list_notes=slowly), *here, ask(0, "list_notes"), ask(1, "list_notes"), SETTLE)
        assert [INVOKE, INVOKE, OK, OK] == [event.kind for event in events[:4]]


def start(client: object, operation: Operation) -> Value:
    """Accept a run."""
    return {"id": "r"}


class TestSettling:
    def test_lists_stalled_runs_only(self) -> None:
        """A run that waits until it is cancelled cannot be waited for: SETTLED says that it is open."""
        stall = ask(0, "stall", thread="t")
        assert [{"open": ["r"]}] == [event.value for event in played(Small(stall=start), stall, SETTLE)][-1:]

    def test_reads_a_run_whose_end_no_event_tells(self) -> None:
        """Until a reading says that it has ended; then it does not read again."""
        statuses = iter(["running", "running", "completed"])
        target = Small(narrate=start, read_run=lambda client, operation: {"id": "r", "status": next(statuses)})
        events = played(target, ask(0, "narrate", thread="t"), SETTLE, SETTLE)
        assert ["running", "running", "completed"] == [
            event.value["body"]["status"] for event in events if event.name == "read_run" and event.kind is OK
        ]

    def test_waits_for_the_last_event_where_events_tell_it(self) -> None:
        """A connection that follows the thread is told, so nobody asks."""

        def run(client: SmallClient, operation: Operation) -> Value:
            end = {"type": "agent_completed", "thread": "t", "run": "r", "seq": 0}
            asyncio.get_running_loop().call_soon(client.push, "agent_completed", end)
            return {"id": "r"}

        target = Small(narrate=run, follow=lambda client, operation: {}, read_run=refuse)
        events = played(target, ask(0, "follow", thread="t"), ask(0, "narrate", thread="t"), SETTLE)
        assert [(PUSH, "agent_completed"), (PROBE, SETTLED)] == [(event.kind, event.name) for event in events[-2:]]

    def test_gives_a_run_up_after_its_deadline(self) -> None:
        """A run that never ends does not hold the verification up: it is open, and that is a doubt."""
        started = ask(0, "narrate", thread="t")
        doubt, settled = told(played(Small(narrate=start), started, SETTLE, deadlines=Deadlines(run_s=0.02)), PROBE)
        assert (DOUBT, True) == (doubt[1], "1 runs had not ended 0.02 s after" in doubt[2]["reason"])
        assert (SETTLED, {"open": ["r"]}) == settled[1:]

    def test_does_not_wait_for_an_end_that_nobody_tells(self) -> None:
        """Neither an answer nor a frame says it: such work is open, and no doubt about anything else."""
        target = Small(narrate=start)
        target.promises = replace(target.promises, pushes=())
        (settled,) = told(played(target, ask(0, "narrate", thread="t"), SETTLE, deadlines=Deadlines(run_s=600)), PROBE)
        assert (SETTLED, {"open": ["r"]}) == settled[1:]

    def test_takes_probes_and_what_is_held_before_it_says_settled(self) -> None:
        """What the taps saw belongs to what came before; what is held is counted once it is back at its level."""

        class Tapped(Small):
            held = iter([1, 5, 3, 1])

            async def probes(self) -> Sequence[Probe]:
                return [Probe("session", {"session": 1}, "u00", 1)]

            async def resources(self) -> Mapping[str, int]:
                return {"sessions": next(self.held)}

        target = Tapped()

        async def play() -> list[Event]:
            events: list[Event] = []
            header = Header(target="t", suite="tests", seed=1, users=1)
            runner = Runner(target, USERS, header, Recorder(events.append), PATIENT)
            await runner.begin()
            await runner.settle()
            return events

        assert [
            (PROBE, RESOURCES, {"held": {"sessions": 1}, "phase": "start"}),
            (PROBE, "session", {"session": 1}),
            (PROBE, RESOURCES, {"held": {"sessions": 1}, "phase": "settled"}),
            (PROBE, SETTLED, {"open": []}),
        ] == told(asyncio.run(play()), *EventKind)

    def test_a_fence_that_never_comes_back_is_given_up(self) -> None:
        """Nobody knows what else it would have received: a doubt about delivery."""

        class Fenced(Small):
            async def connect(self, user: User, on_push: OnPush) -> SmallClient:
                client = await super().connect(user, on_push)
                client.fence = asyncio.Event().wait  # type: ignore[attr-defined]
                return client

        events = played(Fenced(), Step(Do.CONNECT), SETTLE, deadlines=Deadlines(call_s=0.01))
        reason = "a connection could not be read to its end: TimeoutError()"
        doubt = {"reason": reason, "checkers": ["misdelivery"]}
        assert [(PROBE, DOUBT, doubt), (PROBE, SETTLED, {"open": []})] == told(events, *EventKind)

    def test_an_odd_frame_ends_nothing(self) -> None:
        """What a target pushes is hostile: a type that is no text is the end of no run, and stops nobody."""

        def push(client: SmallClient, operation: Operation) -> Value:
            client.push("odd", {"type": ["agent_completed"], "thread": [], "run": {}, "seq": "1"})
            client.push("odd", {"type": ["agent_completed"], "thread": "t", "run": "r", "seq": 0})
            return []

        events = played(Small(list_notes=push), ask(0, "list_notes"), SETTLE)
        assert [INVOKE, PUSH, PUSH, OK, PROBE] == [event.kind for event in events]


class TestReference:
    def test_serves_a_user_from_the_first_thread_to_the_last_event(self) -> None:
        """In process, with every tap on: all that was asked is answered, and the run is heard to its end."""

        async def play() -> list[Event]:
            events: list[Event] = []
            async with resolve("reference").open() as target:
                header = Header(target="t", suite="tests", seed=1, users=1, promises=promises_of(target))
                runner = Runner(target, USERS, header, Recorder(events.append))
                await runner.begin()
                for step in (
                    ask(0, "open_thread", text="thread {mark}"),
                    SETTLE,
                    ask(0, "follow", thread="$thread:0:0"),
                    SETTLE,
                    ask(0, "narrate", thread="$thread:0:0", text="tale {mark}"),
                    SETTLE,
                ):
                    await runner.perform(step)
                await runner.close()
            return events

        events = asyncio.run(play())
        calls = [(event.kind, event.name) for event in events if event.call is not None and event.kind is not PROBE]
        assert [(kind, name) for name in ("open_thread", "follow", "narrate") for kind in (INVOKE, OK)] == calls
        pushed = [event for event in events if event.kind is PUSH]
        assert ("agent_completed", list(range(len(pushed)))) == (
            pushed[-1].name,
            [event.value["seq"] for event in pushed],
        )

    def test_a_dead_target_is_unreachable(self) -> None:
        """And no verdict is given on it."""
        dead = SUBJECTS["dead"].target
        assert dead is not None
        with pytest.raises(Unreachable, match="nobody can reach"):
            played(dead(), Step(Do.CONNECT))
