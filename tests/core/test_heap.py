"""What live requests of two users can both reach, and one of them could change; what is code or a value is neither."""

from __future__ import annotations

import asyncio
import io
import re
import types
import weakref
from array import array
from collections import OrderedDict, UserDict, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from itertools import count
from operator import attrgetter, itemgetter
from pathlib import Path, PurePosixPath
from queue import SimpleQueue
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from harness.performing.taps.heap import MOST_OBJECTS, aliases


class Agent:
    """What a request has."""

    def __init__(self, **parts: object) -> None:
        self.__dict__.update(parts)


class Slotted:
    """The same, without a dict."""

    __slots__ = ("__hidden",)

    def __init__(self, hidden: object) -> None:
        self.__hidden = hidden


@dataclass(frozen=True)
class Frozen:
    """Cannot be changed, but what it holds may."""

    inside: dict[str, int] = field(default_factory=dict)


def found(alices: object, bobs: object, shared: tuple[object, ...] = ()) -> list[tuple[str, str, str]]:
    """Return (type, owner's path, observer's path) of what is aliased."""
    probe = aliases({"u00": [alices], "u01": [bobs]}, shared)
    return [(pair["type"], pair["path_owner"], pair["path_observer"]) for pair in probe.value["shared"]]


class TestHeapTap:
    def test_finds_a_dict_that_two_users_reach(self) -> None:
        """By whatever way each of them reaches it, and it says so."""
        state = {"seen": 1}
        assert [("dict", "Agent.memory['k']", "Agent.cache[0]")] == found(
            Agent(memory={"k": state}), Agent(cache=[state])
        )

    @pytest.mark.parametrize("thing", [{}, [], set(), bytearray()], ids=lambda thing: type(thing).__name__)
    def test_finds_an_empty_container(self, thing: object) -> None:
        """It is a leak that has not happened yet."""
        assert [type(thing).__name__] == [kind for kind, _, _ in found(Agent(part=thing), Agent(part=thing))]

    def test_finds_what_is_behind_slots_and_bound_methods(self) -> None:
        """A private slot is as good a hiding place as any."""
        agent = Agent(part=1)
        assert ["Agent"] == [kind for kind, _, _ in found(Slotted(agent), Agent(call=types.MethodType(print, agent)))]

    @pytest.mark.parametrize(
        "thing",
        [1, "text", (1, 2), frozenset({1}), types.MappingProxyType({}), Agent, print, Frozen, asyncio, object()],
        ids=lambda thing: type(thing).__name__,
    )
    def test_leaves_alone_what_cannot_change(self, thing: object) -> None:
        """Atoms, read-only views, classes, functions, modules, and objects without state."""
        assert [] == found(Agent(part=thing), Agent(part=thing))

    def test_looks_into_what_cannot_change(self) -> None:
        """A frozen dataclass is not reported; the dict in it is."""
        frozen = Frozen()
        assert [("dict", "Agent.part.inside", "Agent.part.inside")] == found(Agent(part=frozen), Agent(part=frozen))

    def test_leaves_alone_what_is_shared_on_purpose(self) -> None:
        """The registry, say: neither it nor what is only reached through it."""
        registry = Agent(entries={"a": []})
        assert [] == found(Agent(registry=registry), Agent(registry=registry), (registry,))

    def test_leaves_alone_what_is_each_users_own(self) -> None:
        """Equal is not the same; the pairs are counted all the same."""
        probe = aliases({"u00": [Agent(part={})], "u01": [Agent(part={})]}, ())
        assert ([], True) == (probe.value["shared"], 0 < probe.value["compared"])

    def test_names_the_outermost_only(self) -> None:
        """One finding, not one for each thing inside it."""
        state: dict[str, Any] = {"a": {"b": {}}}
        assert ["Agent.part"] == [path for _, path, _ in found(Agent(part=state), Agent(part=state))]

    def test_names_a_thing_beside_one_whose_name_it_begins_with(self) -> None:
        """`part` being aliased says nothing of `part_two`."""
        one: list[int] = []
        two: list[int] = []
        assert ["Agent.part", "Agent.part_two"] == [
            path for _, path, _ in found(Agent(part=one, part_two=two), Agent(part=one, part_two=two))
        ]

    def test_compares_nothing_of_one_user_alone(self) -> None:
        """Two requests of one user may share."""
        state: dict[str, int] = {}
        probe = aliases({"u00": [Agent(part=state), Agent(part=state)]}, ())
        assert (0, []) == (probe.value["compared"], probe.value["shared"])

    @pytest.mark.parametrize(("count", "cut"), [(10, False), (MOST_OBJECTS, True)])
    def test_says_when_it_has_not_walked_everything(self, count: int, cut: bool) -> None:
        """Beyond so many objects of one user there may be more to find."""
        probe = aliases({"u00": [[[] for _ in range(count)]], "u01": []}, ())
        assert cut == probe.value["cut"]


class Bare:
    """Has slots, and nothing in them yet."""

    __slots__ = ("later",)


class Key(NamedTuple):
    """A key with something in it."""

    inside: object

    def __hash__(self) -> int:
        return 1


class Enumerated(Enum):
    """One of few."""

    ONE = 1


class Point(NamedTuple):
    """Two numbers."""

    x: int
    y: int


class Stateless:
    """Compares, and holds nothing."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stateless)


class Cupboard(dict[str, object]):
    """A container with attributes."""


def consumed() -> Iterator[int]:
    """A generator: what one user takes, the other does not get."""
    yield 1


class TestHeapTapWithoutDict:
    @pytest.mark.parametrize(
        "thing",
        [
            *(deque(), array("b"), OrderedDict(), defaultdict(list), UserDict(), SimpleNamespace(), Bare()),
            *(io.BytesIO(), io.StringIO(), SimpleQueue(), consumed()),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_finds_whatever_can_hold_something(self, thing: object) -> None:
        """However it is made, and though there is nothing in it yet."""
        assert [type(thing).__qualname__] == [kind for kind, _, _ in found(Agent(part=thing), Agent(part=thing))]

    @pytest.mark.parametrize(
        ("hidden", "path"),
        [
            (lambda state: deque([state]), "Agent.part[0]"),
            (lambda state: partial(print, state), "Agent.part.args[0]"),
            (lambda state: partial(print, end=state), "Agent.part.keywords['end']"),
            (lambda state: partial(state.append), "Agent.part.func.__self__"),
            (lambda state: state.append, "Agent.part.__self__"),
            (lambda state: state.__len__, "Agent.part.__self__"),
            (lambda state: iter([state]), "Agent.part.<list>[0]"),
            (lambda state: {"a": state}.values(), "Agent.part[0]"),
            (lambda state: {Key(state): 1}, "Agent.part.<Key>[0]"),
            (lambda state: Cupboard(a=Agent(b=state)), "Agent.part['a'].b"),
        ],
        ids=["deque", "argument", "keyword", "function", "method", "wrapper", "iterator", "view", "key", "container"],
    )
    def test_finds_what_is_behind_it(self, hidden: Callable[[list[int]], object], path: str) -> None:
        """Each user has one of their own; what both reach through it is shared."""
        state = [1]
        assert [("list", path, path)] == found(Agent(part=hidden(state)), Agent(part=hidden(state)))

    def test_finds_what_is_beside_the_items_of_a_container(self) -> None:
        """An attribute of a dict."""
        one, two, state = Cupboard(), Cupboard(), [1]
        one.beside, two.beside = state, state  # type: ignore[attr-defined]
        assert [("list", "Agent.part.beside", "Agent.part.beside")] == found(Agent(part=one), Agent(part=two))

    @pytest.mark.parametrize(
        "thing",
        [
            *(partial(print, 1, end="x"), partial(print), print, MappingProxyType, str.upper, len),
            *(itemgetter("a"), attrgetter("a.b"), re.compile("(?P<a>b)"), re.compile("a").match, int | None, list[int]),
            *(UUID(int=1), Fraction(1, 2), Decimal(1), Path("a"), PurePosixPath("a"), UTC, date(2026, 1, 1)),
            *(
                timedelta(1),
                range(3),
                slice(1),
                memoryview(b"a"),
                {}.keys(),
                ip_address("::1"),
                ip_network("10.0.0.0/8"),
            ),
            *(
                ip_network("10.0.0.0/8"),
                property(print),
                lru_cache(print),
                ZoneInfo("UTC"),
                Enumerated.ONE,
                NotImplemented,
                ...,
            ),
            *(TypeAdapter(list[int]).validator, TypeAdapter(list[int]).serializer, Stateless()),
            *(MappingProxyType({"a": (1, 2)}), Point(1, 2), ValueError("a", 1), count(), weakref.ref(Agent), chr),
        ],
        ids=lambda thing: type(thing).__name__,
    )
    def test_leaves_alone_code_and_values(self, thing: object) -> None:
        """What is compiled, what only describes, and what stands for a value: nobody can put anything into it."""
        assert [] == [kind for kind, *_ in found(Agent(part=thing), Agent(part=thing))]

    def test_finds_the_bytes_behind_a_view_that_can_be_written(self) -> None:
        """A view of bytes that can be changed lets both users change them."""
        state = bytearray(1)
        kinds = [kind for kind, *_ in found(Agent(part=memoryview(state)), Agent(part=memoryview(state)))]
        assert ["bytearray"] == kinds

    def test_does_not_follow_an_error_to_where_it_was_raised(self) -> None:
        """The frames of a traceback are code under way: everything would be reached through them."""

        def raised(state: list[int]) -> Exception:
            try:
                raise ValueError(len(state))
            except ValueError as error:
                return error

        shared = [1]
        assert [] == found(Agent(error=raised(shared)), Agent(error=raised(shared)))
