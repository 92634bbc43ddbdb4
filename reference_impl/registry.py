"""Which agents exist: classes by name, registered at start and frozen before the first request.

Rules:
- It holds classes, never an instance, and no state of any user.
- After `freeze()` nothing changes, by any reference handed out.
- An empty registry is not an absent one: it is always true, so `registry or fallback` keeps it.

How it works: the entries are an immutable mapping. A write takes the lock, copies the mapping, adds to the
copy and replaces the reference; a read loads the reference once and needs no lock. Any number of threads may
do both.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reference_impl.agents import Agent
from reference_impl.freezing import freeze_mapping


class UnknownAgent(KeyError):
    """No agent of that name is registered."""

    def __str__(self) -> str:
        """Show the sentence, not the repr of it that KeyError shows."""
        return str(self.args[0])


class DuplicateAgent(ValueError):
    """The name is taken: replacing a class would change what others are running."""


class RegistryFrozen(RuntimeError):
    """The registry serves requests and can no longer change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """What is known of a registered agent; deeply immutable."""

    name: str
    agent_class: type[Agent]
    description: str
    metadata: Mapping[str, object]


class AgentClassRegistry:
    """Agent classes by name. Safe to share by all users and threads, as it knows nothing of either."""

    __slots__ = ("_entries", "_frozen", "_lock")

    _entries: Mapping[str, AgentInfo]
    _frozen: bool
    _lock: threading.Lock

    def __init__(self) -> None:
        """Make an empty registry that can be written to."""
        self._lock = threading.Lock()
        self._entries = MappingProxyType({})
        self._frozen = False

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse to replace anything once frozen, so that not even a slip in this class can."""
        if getattr(self, "_frozen", False):
            raise RegistryFrozen(f"The registry is frozen: {name} can no longer change. Register before freeze().")
        object.__setattr__(self, name, value)

    def register(
        self,
        name: str,
        agent_class: type[Agent],
        *,
        description: str = "",
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add an agent class under a name.

        Args:
            name: not empty, without surrounding whitespace, not registered yet.
            agent_class: a concrete subclass of `Agent`; an instance would be shared by all users.
            description: one line for people.
            metadata: plain data about the class; a deep, read-only copy is kept.

        Raises:
            ValueError: the name is empty or padded.
            TypeError: not a concrete Agent class, or metadata that cannot be made immutable.
            DuplicateAgent: the name is taken.
            RegistryFrozen: freeze() was called.
        """
        _check_name(name)
        _check_class(name, agent_class)
        info = AgentInfo(
            name=name,
            agent_class=agent_class,
            description=description,
            metadata=freeze_mapping(metadata, where=f"metadata of agent {name!r}"),
        )
        with self._lock:
            self._add(info)

    def _add(self, info: AgentInfo) -> None:
        if self._frozen:
            raise RegistryFrozen(
                f"Agent {info.name!r} comes too late: the registry is frozen and serves requests. "
                "Register every agent before freeze()."
            )
        if info.name in self._entries:
            raise DuplicateAgent(
                f"Agent {info.name!r} is registered already, as {self._entries[info.name].agent_class.__qualname__}: "
                "replacing it would change what others run. Choose another name."
            )
        self._entries = MappingProxyType({**self._entries, info.name: info})

    def freeze(self) -> None:
        """End registration for good; calling it again does nothing."""
        with self._lock:
            if not self._frozen:
                self._frozen = True

    @property
    def frozen(self) -> bool:
        """Whether freeze() was called."""
        return self._frozen

    def get(self, name: str) -> type[Agent]:
        """Return the class registered under `name`.

        Raises:
            UnknownAgent: there is none.
        """
        return self.info(name).agent_class

    def info(self, name: str) -> AgentInfo:
        """Return what is known of the agent called `name`.

        Raises:
            UnknownAgent: there is none.
        """
        entries = self._entries
        try:
            return entries[name]
        except KeyError:
            known = ", ".join(entries) or "none"
            raise UnknownAgent(f"No agent is called {name!r}, so nothing can run. Registered are: {known}.") from None

    def names(self) -> tuple[str, ...]:
        """Return the registered names in the order of registration."""
        return tuple(self._entries)

    def __contains__(self, name: object) -> bool:
        """Whether an agent of that name is registered."""
        return name in self._entries

    def __len__(self) -> int:
        """Count the registered agents."""
        return len(self._entries)

    def __bool__(self) -> bool:
        """Return True, also when empty: an empty registry is not an absent one."""
        return True

    def __repr__(self) -> str:
        """Name the agents and say whether more can come."""
        state = "frozen" if self._frozen else "open"
        return f"AgentClassRegistry({', '.join(self._entries) or 'empty'}; {state})"


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name or name != name.strip():
        raise ValueError(f"{name!r} cannot name an agent: a name is a string without surrounding whitespace.")


def _check_class(name: str, agent_class: object) -> None:
    if isinstance(agent_class, Agent):
        raise TypeError(
            f"Agent {name!r} is an instance of {type(agent_class).__qualname__}: all users would share it. "
            f"Register the class: register({name!r}, {type(agent_class).__qualname__})."
        )
    if not (isinstance(agent_class, type) and issubclass(agent_class, Agent)):
        raise TypeError(f"Agent {name!r} is {agent_class!r}, which is no subclass of Agent. Derive it from Agent.")
    if inspect.isabstract(agent_class):
        missing = ", ".join(sorted(agent_class.__abstractmethods__))
        raise TypeError(f"Agent {name!r}: {agent_class.__qualname__} is abstract. Implement {missing}.")
