"""Truths of AgentClassRegistry: REG-1, REG-2, REG-3."""

from __future__ import annotations

import threading

import pytest

from reference_impl.agents import Agent, NarratorAgent, NotebookAgent
from reference_impl.registry import AgentClassRegistry, DuplicateAgent, RegistryFrozen, UnknownAgent


class Documented(NarratorAgent):
    """An agent with a mutable class attribute that serves as its metadata."""

    facts = {"tags": ["a"]}  # noqa: RUF012


def test_it_returns_what_was_registered() -> None:
    """get, info, names, len and in agree, in the order of registration."""
    registry = AgentClassRegistry()
    registry.register("b", NarratorAgent, description="speaks", metadata={"level": 1})
    registry.register("a", NotebookAgent)
    assert (NarratorAgent, ("b", "a"), 2) == (registry.get("b"), registry.names(), len(registry))
    assert ("speaks", {"level": 1}) == (registry.info("b").description, dict(registry.info("b").metadata))
    assert (True, False) == ("a" in registry, "c" in registry)


def test_an_empty_registry_is_true() -> None:
    """An empty registry is not an absent one."""
    assert bool(AgentClassRegistry())


@pytest.mark.parametrize("thing", [NotebookAgent(None, None, None), object, "x", None, Agent])  # type: ignore[arg-type]
def test_only_concrete_agent_classes_are_held(thing: object) -> None:
    """An instance would be shared by all users; it is refused, as is what is no agent."""
    with pytest.raises(TypeError):
        AgentClassRegistry().register("x", thing)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", " ", " a", None, 3])
def test_a_name_is_needed(name: object) -> None:
    """Nothing is registered under a name nobody can ask for."""
    with pytest.raises(ValueError, match="cannot name"):
        AgentClassRegistry().register(name, NotebookAgent)  # type: ignore[arg-type]


def test_a_name_is_taken_once() -> None:
    """A second registration does not replace what others run."""
    registry = AgentClassRegistry()
    registry.register("a", NotebookAgent)
    with pytest.raises(DuplicateAgent, match="NotebookAgent"):
        registry.register("a", NarratorAgent)
    assert NotebookAgent is registry.get("a")


def test_an_unknown_name_is_said_in_a_sentence() -> None:
    """The message is readable and names what there is."""
    registry = AgentClassRegistry()
    registry.register("a", NotebookAgent)
    with pytest.raises(UnknownAgent) as caught:
        registry.get("b")
    assert "No agent is called 'b', so nothing can run. Registered are: a." == str(caught.value)


def test_nothing_changes_after_freeze() -> None:
    """Neither register, nor any reference handed in or out, nor an attribute, changes a frozen registry."""
    registry = AgentClassRegistry()
    registry.register("a", Documented, metadata=Documented.facts)
    registry.freeze()
    registry.freeze()
    Documented.facts["tags"].append("b")
    assert (True, {"tags": ("a",)}) == (registry.frozen, dict(registry.info("a").metadata))
    with pytest.raises(RegistryFrozen):
        registry.register("b", NotebookAgent)
    with pytest.raises(RegistryFrozen):
        registry._entries = {}
    with pytest.raises(TypeError):
        registry._entries["a"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        registry.info("a").name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError):
        registry.info("a").metadata["x"] = 1  # type: ignore[index]


def test_threads_agree_while_freeze_races_register() -> None:
    """Names only grow; each reader finds what it was told of; after freeze all agree."""
    registry = AgentClassRegistry()
    begin, wrong = threading.Barrier(6), []

    def write(prefix: str) -> None:
        begin.wait()
        for number in range(200):
            try:
                registry.register(f"{prefix}{number}", NotebookAgent)
            except RegistryFrozen:
                return

    def read() -> None:
        begin.wait()
        known: tuple[str, ...] = ()
        for _ in range(500):
            names = registry.names()
            wrong.extend(name for name in names if registry.get(name) is not NotebookAgent)
            if names[: len(known)] != known:
                wrong.append(names)
            known = names

    def freeze() -> None:
        begin.wait()
        registry.freeze()
        frozen = registry.names()
        wrong.extend(1 for _ in range(500) if registry.names() != frozen)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    threads += [threading.Thread(target=read) for _ in range(3)] + [threading.Thread(target=freeze)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == wrong
