"""Truths of UserExecutionContext: CTX-1, CTX-2, CTX-3."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impl.context import PLACEHOLDERS, InvalidContext, UserExecutionContext, id_problems
from reference_impl.freezing import MAX_DEPTH

LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.binary())
DATA = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
        st.sets(st.integers(), max_size=3),
    ),
    max_leaves=8,
)
LETTERS = st.text(alphabet='ab_:1/&$,"[]\\', min_size=1, max_size=5)


def context(**changes: object) -> UserExecutionContext:
    ids = {"user_id": "alice", "thread_id": "t", "run_id": "r", "request_id": "q"}
    return UserExecutionContext(**{**ids, **changes})  # type: ignore[arg-type]


def mutable_parts(value: object) -> list[object]:
    if isinstance(value, Mapping):
        assert not hasattr(value, "__setitem__")
        return [part for item in value.values() for part in mutable_parts(item)]
    if isinstance(value, tuple | frozenset):
        return [part for item in value for part in mutable_parts(item)]
    return [value] if isinstance(value, dict | list | set | bytearray) else []


@given(st.dictionaries(st.text(max_size=5), DATA, max_size=4))
def test_nothing_a_context_holds_can_change(metadata: dict[str, object]) -> None:
    """Metadata is immutable at every depth, also after replace and pickle."""
    made = context(metadata=metadata)
    assert [] == mutable_parts(made.metadata)
    assert [] == mutable_parts(dataclasses.replace(made, run_id="other").metadata)
    assert made == pickle.loads(pickle.dumps(made))
    assert [] == mutable_parts(pickle.loads(pickle.dumps(made)).metadata)


def test_a_write_to_the_source_is_not_seen() -> None:
    """The context's metadata is a copy, at any depth."""
    source = {"deep": {"list": [1]}}
    made = context(metadata=source)
    source["deep"]["list"].append(2)
    assert {"deep": {"list": (1,)}} == dict(made.metadata)


def test_fields_cannot_be_set() -> None:
    """A context is frozen and has no room for more."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        context().user_id = "mallory"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        context().extra = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [bytearray(b"x"), object(), iter([]), lambda: None, {1: [object()]}])
def test_what_cannot_be_frozen_is_refused(value: object) -> None:
    """A mutable thing that cannot be copied is never passed through."""
    with pytest.raises(TypeError, match="plain data"):
        context(metadata={"key": value})


def test_endless_nesting_is_refused() -> None:
    """Metadata that contains itself, or nests too deeply, is refused and does not hang."""
    endless: dict[str, object] = {}
    endless["self"] = endless
    deep: object = 1
    for _ in range(MAX_DEPTH + 2):
        deep = [deep]
    for metadata in (endless, {"deep": deep}):
        with pytest.raises(TypeError, match="nests deeper"):
            context(metadata=metadata)


@pytest.mark.parametrize("name", sorted(PLACEHOLDERS))
@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_placeholders_are_refused(name: str, change: type[str]) -> None:
    """No placeholder passes, in any case."""
    with pytest.raises(InvalidContext, match="placeholder"):
        context(user_id=change(name))


@pytest.mark.parametrize(
    "value",
    ["", " ", "\t", " a", "a ", "a\n", "a\x00b", "a\x7f", "\ud800", "x" * 201, None, 1, b"a", "a\u2028b"],
)
def test_malformed_ids_are_refused(value: object) -> None:
    """Empty, padded, too long, unprintable and non-string ids are refused."""
    with pytest.raises(InvalidContext):
        context(thread_id=value)


@pytest.mark.parametrize(
    "value",
    [
        "default_user",
        "registry-team",
        "a:b",
        "org&a",
        "org$a",
        "u_1",
        "a/b",
        "Ünï 名前",
        "42",
        "a@b.example",
        "none-such",
        "system.alice",
        "x" * 200,
        "O'Neil",
        "👩\u200d💻",
        "a|b",
        "nonexistent",
    ],
)
def test_legitimate_ids_are_accepted(value: str) -> None:
    """An id that merely resembles a placeholder, or contains separators, is legitimate."""
    assert value == context(user_id=value).user_id


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=200))
def test_every_printable_id_but_a_placeholder_is_accepted(value: str) -> None:
    """Nothing else is refused."""
    assert (value.casefold() in PLACEHOLDERS) == bool(id_problems("user_id", value))


def test_all_problems_come_at_once() -> None:
    """Whoever made several mistakes learns of all of them."""
    with pytest.raises(InvalidContext) as caught:
        context(user_id="", thread_id="none", run_id=" r", request_id=3)
    assert 4 == len(caught.value.problems)
    assert caught.value.problems == pickle.loads(pickle.dumps(caught.value)).problems


@given(st.lists(LETTERS, min_size=4, max_size=6), st.lists(LETTERS, min_size=4, max_size=6))
def test_keys_never_collide(one: list[str], other: list[str]) -> None:
    """Keys are equal only when all parts are."""
    names = ("user_id", "thread_id", "run_id", "request_id")
    keys = [context(**dict(zip(names, parts, strict=False))).key(*parts[4:]) for parts in (one, other)]
    assert (one == other) == (keys[0] == keys[1])


def test_children_share_nothing_that_can_be_closed() -> None:
    """A child has its own request id, inherits no session, and leaves its parent as it was."""
    parent = context(db_session=object(), metadata={"a": {"b": 1}})
    child = parent.for_child(metadata={"c": 2})
    assert (None, "alice", "t", "r") == (child.db_session, child.user_id, child.thread_id, child.run_id)
    assert parent.key() != child.key()
    assert ({"a": {"b": 1}}, {"a": {"b": 1}, "c": 2}) == (dict(parent.metadata), dict(child.metadata))


def test_credentials_never_show() -> None:
    """repr() shows no credential, at any depth."""
    hidden = {"Authorization": "hush", "nested": {"x-api-key": "hush"}, "list": [{"password": ["hush"]}]}
    shown = repr(context(metadata={**hidden, "header": "Bearer hush", "plain": "seen"}))
    assert (False, True) == ("hush" in shown, "seen" in shown)


def test_copies_are_the_value_itself() -> None:
    """Copying neither doubles a session nor thaws anything."""
    made = context(metadata={"a": [1]})
    assert (True, True) == (copy.copy(made) is made, copy.deepcopy(made) is made)


def test_fresh_ids_differ() -> None:
    """Two requests of the same user never share a run or request id."""
    made = [UserExecutionContext.for_request(user_id="alice", thread_id="t") for _ in range(200)]
    assert 400 == len({one.run_id for one in made} | {one.request_id for one in made})
