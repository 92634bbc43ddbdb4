"""Refuses everything of a loop that leaves the process: no schedule decides what comes of it. Standard library only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NoReturn

from harness.loop.jobs import Uncontrolled


class RefusingLoop(asyncio.BaseEventLoop):
    """A loop without sockets, processes and signals."""

    uncontrolled: list[str]
    """What was refused."""

    if TYPE_CHECKING:  # what BaseEventLoop has, and its stubs do not say
        _stopping: bool
        _thread_id: int | None
        _default_executor: Any

        _asyncgens: Collection[Any]
        _closed: bool

        def _check_closed(self) -> None: ...

    def refuse(self, what: str) -> NoReturn:
        """Remember what was asked for, and refuse it.

        Raises:
            Uncontrolled: always.
        """
        self.uncontrolled.append(what)
        raise Uncontrolled(
            f"{what}: no schedule decides what comes of that, so a run could not be repeated. Give the target an "
            "in-memory transport (harness.transport.asgi), or verify it with the other suites"
        )


def _refusing(name: str) -> Callable[..., Any]:
    def refused(self: RefusingLoop, *_: Any, **__: Any) -> NoReturn:
        self.refuse(f"the program asked for loop.{name}()")

    refused.__name__ = name
    refused.__doc__ = f"Refuse {name}: it leaves the process."
    return refused


_OUTSIDE = """
    add_reader add_writer remove_reader remove_writer sock_recv sock_recv_into sock_recvfrom sock_recvfrom_into
    sock_sendall sock_sendto sock_connect sock_accept sock_sendfile create_connection create_server
    create_datagram_endpoint create_unix_connection create_unix_server connect_accepted_socket connect_read_pipe
    connect_write_pipe subprocess_exec subprocess_shell start_tls sendfile getaddrinfo getnameinfo
    add_signal_handler remove_signal_handler
"""
for _name in _OUTSIDE.split():
    setattr(RefusingLoop, _name, _refusing(_name))
