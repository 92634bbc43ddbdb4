"""The parts on their own: Hypothesis tries what could change, confuse or share them; PROBE events say what came of it.

Nothing is asserted here. Each attempt becomes a PROBE, and the checkers judge: the same checkers, whether the attempt
was made now or is read from a file.
"""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from harness.history.model import EventKind, Value
from harness.history.probes import (
    CONTEXT_ID,
    CONTEXT_KEY,
    CONTEXT_WRITE,
    REGISTRY_ENTRY,
    REGISTRY_READ,
    REGISTRY_WRITE,
)
from harness.history.recorder import Recorder
from harness.performing.components import Components

LEGITIMATE = (
    "default_user",
    "registry-team",
    "org&a",
    "org$a",
    "a:b",
    "u_1",
    "a/b",
    "1",
    "Zoë",
    "bob@example.org",
    "systematic",
    "none-of-the-above",
)
"""Ids that name somebody, however alike to a placeholder."""

MALFORMED: tuple[object, ...] = (
    "",
    " ",
    "none",
    "None",
    "NULL",
    "undefined",
    "placeholder",
    "default",
    "registry",
    " u",
    "u\n",
    "u\x00",
    "u\ud800",
    "x" * 100_000,
    5,
    None,
)
"""Ids that name nobody, or could not be stored, printed or compared safely."""

RACE_S = 5.0
"""How long the threads of a race wait for each other."""
MOST_READS = 3
"""Of a frozen registry, by one thread of a race."""

_ids = st.one_of(
    st.sampled_from(LEGITIMATE),
    st.text(st.characters(categories=("L", "N")), min_size=3, max_size=20).map("id-{}".format),
)
_malformed = st.one_of(
    st.builds("{}{}".format, st.sampled_from((" ", "\t", "\n", "\u2028")), _ids),
    st.builds("{}{}".format, _ids, st.sampled_from((" ", "\r\n", "\x00", "\x1b[2J", "\x7f", "\ud800"))),
    st.builds("{1}{0}{2}".format, st.characters(categories=("Cc", "Cs")), _ids, _ids),
)
_plain_ids = st.integers(1, 10**6).map("person-{}".format)
_any = st.characters(exclude_categories=["Cs"])
"""Whatever UTF-8 can encode. `st.text()` finds out what that is from the codec, in some seconds of each process."""
_leaves = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(_any, max_size=5))
_metadata = st.dictionaries(
    st.text(_any, min_size=1, max_size=5),
    st.recursive(
        _leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(_any, max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
_pieces = st.text("ab1_:-|/.", min_size=1, max_size=4).map(lambda text: f"k{text}k")


class PartsProbe:
    """Examines the parts of one target.

    Args:
        components: the parts.
        recorder: where the PROBE events go.
        examples: random inputs for each property.
        seed: of those inputs.
    """

    def __init__(self, components: Components, recorder: Recorder, examples: int, seed: int) -> None:
        self._parts = components
        self._recorder = recorder
        self._examples = examples
        self._seed = seed
        self._rounds = count(1)

    def run(self) -> None:
        """Examine registry and context."""
        self._given(st.lists(_ids, min_size=1, max_size=4, unique=True), _metadata)(self._registry)
        for _ in range(self._examples):
            self._racing_registry()
        self._identities()
        self._given(_ids, _ids)(self._legitimate)
        self._given(_malformed)(self._offered)
        self._given(_plain_ids, _plain_ids, _metadata)(self._context)
        self._given(st.lists(st.tuples(_pieces, _pieces), min_size=2, max_size=6, unique=True))(self._keys)

    def _given(self, *strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
        def run(body: Callable[..., None]) -> None:
            chosen = settings(
                max_examples=self._examples,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )

            def each(values: tuple[Any, ...]) -> None:
                body(*values)

            seed(self._seed)(chosen(given(st.tuples(*strategies))(each)))()

        return run

    def _probe(self, probe: str, **value: Value) -> None:
        self._recorder.record(EventKind.PROBE, probe, value)

    # Registry

    def _registry(self, names: list[str], metadata: dict[str, Any]) -> None:
        registry = self._parts.registry()
        classes = list(self._parts.agents.values())
        for number, name in enumerate(names):
            registry.register(name, classes[number % len(classes)], metadata=metadata)
        _attempt(lambda: registry.register("an instance", object.__new__(classes[0])))
        for name in registry.names():
            self._probe(REGISTRY_ENTRY, name=name, is_class=isinstance(registry.get(name), type))
        registry.freeze()
        registry.freeze()
        for via, write in _registry_writes(registry, classes[0], metadata):
            before = _registry_state(registry)
            _attempt(write)
            self._probe(REGISTRY_WRITE, via=via, changed=_registry_state(registry) != before)

    def _racing_registry(self, readers: int = 3, entries: int = 4) -> None:
        """Threads read while one registers and freezes: what is read once it is frozen must agree."""
        registry = self._parts.registry()
        agent = next(iter(self._parts.agents.values()))
        ready, done = threading.Barrier(readers + 1, timeout=RACE_S), threading.Event()

        def read() -> list[list[str]]:
            ready.wait()
            seen: list[list[str]] = []
            finished = False
            while len(seen) < MOST_READS and not finished:
                finished = done.is_set()  # asked first, so that everybody reads once after the race, too
                frozen, names = bool(registry.frozen), list(registry.names())
                if frozen:
                    seen.append(names)
            return seen

        def write() -> list[list[str]]:
            try:
                ready.wait()
                for number in range(entries):
                    registry.register(f"agent {number}", agent)
                registry.freeze()
                _attempt(lambda: registry.register("too late", agent))
            finally:
                done.set()
            return [list(registry.names())]

        with ThreadPoolExecutor(readers + 1) as pool:
            racing = [pool.submit(read) for _ in range(readers)] + [pool.submit(write)]
        number = next(self._rounds)
        for names in (names for race in racing for names in race.result()):
            self._probe(REGISTRY_READ, round=number, frozen=True, names=names)

    # Context

    def _context(self, user: str, thread: str, metadata: dict[str, Any]) -> None:
        make = self._parts.context.for_request
        context = make(user_id=user, thread_id=thread, metadata=metadata)
        other = make(user_id=f"other-{user}", thread_id=thread, metadata=metadata)
        child = context.for_child(metadata={"of": "child"})
        writes: list[tuple[str, Callable[[], object]]] = [
            *((f"setting {name}", lambda name=name: setattr(context, name, "changed")) for name in _FIELDS),
            ("the metadata it was made from", lambda: _poke(metadata)),
            ("its metadata", lambda: _poke(context.metadata)),
            ("its child's metadata", lambda: _poke(child.metadata)),
            ("another user's metadata", lambda: _poke(other.metadata)),
        ]
        for via, write in writes:
            before = _context_state(context)
            _attempt(write)
            self._probe(CONTEXT_WRITE, via=via, changed=_context_state(context) != before)

    def _identities(self) -> None:
        for text in LEGITIMATE:
            self._offered(text, legitimate=True)
        for malformed in MALFORMED:
            self._offered(malformed)

    def _offered(self, text: object, legitimate: bool = False) -> None:
        """Offer an id for the user, and for the thread, beside ids that nobody could refuse."""
        for field in ("user_id", "thread_id"):
            ids: dict[str, Any] = {"user_id": "somebody", "thread_id": "some thread"} | {field: text}
            accepted = _attempt(partial(self._parts.context.for_request, **ids))
            self._probe(CONTEXT_ID, field=field, text=repr(text)[:60], legitimate=legitimate, accepted=accepted)

    def _legitimate(self, user: str, thread: str) -> None:
        self._made(user_id=user, thread_id=thread)

    def _made(self, **ids: str) -> Any:
        """Return a context with these legitimate ids, or None where it is refused, which is a finding."""
        made: list[Any] = []
        accepted = _attempt(lambda: made.append(self._parts.context.for_request(**ids)))
        for field, text in ids.items():
            self._probe(CONTEXT_ID, field=field, text=repr(text), legitimate=True, accepted=accepted)
        return made[0] if made else None

    def _keys(self, pairs: list[tuple[str, str]]) -> None:
        for separator in "_:-|/.":
            pairs = [*pairs, ("u", f"1{separator}t"), (f"u{separator}1", "t")]
        for user, thread in pairs:
            context = self._made(user_id=user, thread_id=thread, run_id="same-run", request_id="same-request")
            if context is not None:
                self._probe(CONTEXT_KEY, parts=[user, thread, "same-run", "same-request"], key=context.key())
        for user, thread in pairs[:3]:
            context = self._made(user_id=user, thread_id=thread)
            for field in ("run_id", "request_id") if context is not None else ():
                fresh = getattr(context, field)
                self._probe(CONTEXT_KEY, parts=[field, next(self._rounds)], key=f"{field} {fresh}")


_FIELDS = ("user_id", "thread_id", "run_id", "request_id", "metadata", "db_session")


def _attempt(act: Callable[[], object]) -> bool:
    """Return whether it went through; what it raised does not matter, what it changed is looked at afterwards."""
    try:
        act()
    except Exception:
        return False
    return True


def _poke(value: Any) -> None:
    """Try to change whatever can be reached from a value."""
    reached: Any = value
    if isinstance(value, Mapping):
        for inner in list(value.values()):
            _poke(inner)
        _attempt(lambda: operator.setitem(reached, "poked", "poked"))
    elif isinstance(value, (list, tuple)):
        for inner in list(value):
            _poke(inner)
        _attempt(lambda: reached.append("poked"))
    elif isinstance(value, (set, frozenset)):
        _attempt(lambda: reached.add("poked"))


def _registry_writes(
    registry: Any, agent: type[Any], metadata: dict[str, Any]
) -> Iterator[tuple[str, Callable[[], object]]]:
    first = registry.names()[0]
    info = registry.info(first)
    yield "register", lambda: registry.register("after freeze", agent)
    yield "register under a known name", lambda: registry.register(first, agent)
    yield "the metadata it was given", lambda: _poke(metadata)
    yield "info().metadata", lambda: _poke(info.metadata)
    yield "names()", lambda: _poke(registry.names())
    for name in ("name", "agent_class", "metadata", "description"):
        yield f"setting info().{name}", lambda name=name: setattr(info, name, "changed")  # type: ignore[misc]
    for name in _stored(registry):
        yield f"setting {name}", lambda name=name: setattr(registry, name, {})  # type: ignore[misc]
        yield f"the container {name}", lambda name=name: _poke(getattr(registry, name))  # type: ignore[misc]


def _stored(item: Any) -> list[str]:
    slots = [name for kind in type(item).__mro__ for name in getattr(kind, "__slots__", ())]
    return [name for name in (*slots, *getattr(item, "__dict__", ())) if "lock" not in name and "frozen" not in name]


def _registry_state(registry: Any) -> object:
    def entry(name: str) -> object:
        try:
            info = registry.info(name)
            return (registry.get(name), info.name, info.agent_class, info.description, _plain(info.metadata))
        except Exception as error:
            return repr(error)

    try:
        return {name: entry(name) for name in registry.names()}
    except Exception as error:
        return repr(error)


def _context_state(context: Any) -> object:
    return [getattr(context, name) if name != "metadata" else _plain(context.metadata) for name in _FIELDS]


def _plain(value: Any) -> str:
    def known(item: Any) -> Any:
        return dict(item) if isinstance(item, Mapping) else sorted(map(str, item))

    return json.dumps(value, default=known)
