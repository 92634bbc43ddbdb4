"""Executing runs: each accepted run is one supervised task in one scope, and ends in a recorded state.

Rules:
- A run is refused before it is accepted, or it ends as completed, failed, cancelled, timed out or
  interrupted, whatever happens to its client, its task or the server.
- A run's notes, its row and its events are committed in one transaction. On any failure that transaction is
  rolled back, and a second one records the failure: a failed run leaves no partial write.
- The last event is pushed only after the commit it announces.

How it works: `submit` takes the slot, commits the row "accepted" and starts the task, all shielded, so that
no accepted row is without a task. The finishing commit is shielded too: a cancellation that comes while it
runs is too late, and the run is completed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from reference_impl.emitter import UserWebSocketEmitter
from reference_impl.factory import AgentInstanceFactory, RequestScope
from reference_impl.hub import ConnectionHub, Frame, RunLog
from reference_impl.repository import NotFound
from reference_impl.shielding import to_the_end
from reference_impl.slots import Ticket
from reference_impl.storage import Storage
from reference_impl.tables import Run

CANCEL_WAIT_S = 5.0
"""How long `cancel` waits for the run to end before it returns."""

RECORD_ATTEMPTS = 3
"""How often the end of a run is tried to be recorded."""

MAX_MESSAGE_LENGTH = 500
"""Characters of an error's message that are recorded and shown to the run's owner."""


class ShuttingDown(Exception):
    """The server accepts no more runs."""


class RunTimedOut(Exception):
    """The run took longer than a run may."""


@dataclass(slots=True, eq=False, kw_only=True)
class Execution:
    """One accepted run, from its acceptance to its recorded end."""

    user_id: str
    thread_id: str
    agent: str
    text: str
    metadata: Mapping[str, object] | None
    ticket: Ticket
    run_id: str
    log: RunLog
    emitter: UserWebSocketEmitter | None = None
    task: asyncio.Task[None] | None = None
    stopped_as: str | None = None
    recorded: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)


class ExecutionEngine:
    """Runs agents, and holds every task that does."""

    def __init__(
        self,
        factory: AgentInstanceFactory,
        storage: Storage,
        hub: ConnectionHub,
        run_timeout_s: float = 30.0,
    ) -> None:
        """Bind to the parts; `run_timeout_s` bounds an agent's work, in seconds, above 0.

        Raises:
            ValueError: the timeout is not above 0.
        """
        if not run_timeout_s > 0:
            raise ValueError(f"run_timeout_s is {run_timeout_s}: no run could ever complete. Use more than 0.")
        self.factory = factory
        self.storage = storage
        self.hub = hub
        self.run_timeout_s = run_timeout_s
        self._executions: dict[tuple[str, str], Execution] = {}
        self._accepting: set[asyncio.Task[object]] = set()
        self._draining = False

    # Accepting

    async def submit(
        self,
        *,
        user_id: str,
        thread_id: str,
        agent: str,
        text: str,
        metadata: Mapping[str, object] | None = None,
    ) -> Run:
        """Accept a run and start it; return its committed row.

        Raises:
            TooManyRuns: the user's slots and places in line are taken.
            NotFound: the user has no such thread.
            UnknownAgent: no agent has that name.
            InvalidContext: an id is malformed or a placeholder.
            TypeError: metadata cannot be made immutable.
            ShuttingDown: the server is about to stop.
        """
        self.factory.registry.get(agent)
        context = self.factory.make_context(
            user_id=user_id,
            thread_id=thread_id,
            run_id=None,
            request_id=None,
            session=None,
            metadata=metadata,
        )
        execution = Execution(
            user_id=user_id,
            thread_id=thread_id,
            agent=agent,
            text=text,
            metadata=context.metadata,
            ticket=self.factory.take_slot(user_id),
            run_id=context.run_id,
            log=self.hub.open_run(user_id, thread_id, context.run_id),
        )
        return await to_the_end(self._accept(execution))

    async def _accept(self, execution: Execution) -> Run:
        task = asyncio.current_task()
        assert task is not None
        self._accepting.add(task)
        try:
            if self._draining:
                raise ShuttingDown("The server is shutting down and accepts no more runs. Try again shortly.")
            run = await self._commit_row(execution)
            self._executions[(execution.user_id, execution.run_id)] = execution
            execution.task = asyncio.create_task(self._run(execution), name=f"run {execution.run_id}")
            # a task cancelled before its first step would end without recording anything
            await execution.begun.wait()
            return run
        except BaseException:
            if execution.task is None:
                self._release(execution)
            raise
        finally:
            self._accepting.discard(task)

    async def _commit_row(self, execution: Execution) -> Run:
        async with self.storage.session() as session:
            repository = self.storage.repository(session, execution.user_id)
            if await repository.get_thread(execution.thread_id) is None:
                raise NotFound("no such thread")
            return repository.add_run(execution.thread_id, execution.agent, run_id=execution.run_id)

    # Executing

    async def _run(self, execution: Execution) -> None:
        execution.begun.set()
        try:
            await self._work(execution)
        except asyncio.CancelledError:
            await self._fail(execution, execution.stopped_as or "cancelled", *_stopped(execution))
        except RunTimedOut as error:
            await self._fail(execution, "timed out", "TimedOut", str(error))
        except Exception as error:
            await self._fail(execution, "failed", *self.describe(error))
        finally:
            self._release(execution)

    async def _work(self, execution: Execution) -> None:
        async with self.factory.scope(
            execution.agent,
            user_id=execution.user_id,
            thread_id=execution.thread_id,
            run_id=execution.run_id,
            metadata=execution.metadata,
            ticket=execution.ticket,
        ) as scope:
            execution.emitter = scope.emitter
            await scope.emitter.emit("agent_started", {"agent": execution.agent})
            result = await self._execute(scope, execution.text)
            await to_the_end(self._complete(execution, scope, result))

    async def _execute(self, scope: RequestScope, text: str) -> str:
        limit = asyncio.timeout(self.run_timeout_s)
        try:
            async with limit:
                result = await scope.agent.execute(text)
        except TimeoutError:
            if limit.expired():
                raise RunTimedOut(
                    f"The run took longer than {self.run_timeout_s:g} s and was stopped; nothing of it was kept. "
                    "Ask for less at once."
                ) from None
            raise
        if not isinstance(result, str):
            raise TypeError(f"The agent returned a {type(result).__name__}, which is no text. Return a str.")
        return result

    async def _complete(self, execution: Execution, scope: RequestScope, result: str) -> None:
        final = scope.emitter.last("agent_completed", {"result": result})
        repository = self.storage.repository(scope.session, execution.user_id)
        await repository.finish_run(execution.run_id, "completed", result=result)
        await repository.save_events((*execution.log.frames, final))
        await scope.session.commit()
        execution.recorded = True
        self.hub.publish(final)

    # Ending otherwise

    async def _fail(self, execution: Execution, status: str, kind: str, message: str) -> None:
        """Record that a run did not complete, unless it did: then whatever came was too late to stop it."""
        if execution.recorded:
            return
        for attempt in range(1, RECORD_ATTEMPTS + 1):
            try:
                await to_the_end(self._record_failure(execution, status, kind, message))
                return
            except asyncio.CancelledError:
                if execution.recorded:
                    return
            except SQLAlchemyError:
                logging.getLogger(__name__).exception(
                    "Attempt %d of %d to record run %s as %s failed. "
                    "If none succeeds, the next start marks it interrupted.",
                    attempt,
                    RECORD_ATTEMPTS,
                    execution.run_id,
                    status,
                )

    async def _record_failure(self, execution: Execution, status: str, kind: str, message: str) -> None:
        final = self._emitter_of(execution).last("agent_error", {"error": kind, "message": message})
        async with self.storage.session() as session:
            repository = self.storage.repository(session, execution.user_id)
            await repository.finish_run(execution.run_id, status, error=message)
            await repository.save_events((*execution.log.frames, final))
        execution.recorded = True
        self.hub.publish(final)

    def _emitter_of(self, execution: Execution) -> UserWebSocketEmitter:
        if execution.emitter is None:  # the run was stopped before its scope had opened
            context = self.factory.make_context(
                user_id=execution.user_id,
                thread_id=execution.thread_id,
                run_id=execution.run_id,
                request_id=None,
                session=None,
                metadata=None,
            )
            execution.emitter = self.factory.make_emitter(self.hub, context)
        return execution.emitter

    def describe(self, error: Exception) -> tuple[str, str]:
        """Return the kind and message of a run's own error, as its owner may see it."""
        if isinstance(error, SQLAlchemyError):  # its text quotes statements, which mean nothing to a user
            return "StorageError", "The run could not be stored; nothing of it was kept. Try again."
        return type(error).__name__, str(error)[:MAX_MESSAGE_LENGTH]

    def _release(self, execution: Execution) -> None:
        self.factory.release_slot(execution.ticket)
        self.hub.close_run(execution.log)
        self._executions.pop((execution.user_id, execution.run_id), None)

    # Stopping

    async def cancel(self, user_id: str, run_id: str) -> bool:
        """Stop a run of the user and wait for its end, at most `CANCEL_WAIT_S`.

        Returns:
            False when the user has no such run at work or waiting.
        """
        execution = self._executions.get((user_id, run_id))
        if execution is None or execution.task is None:
            return False
        self._stop(execution, "cancelled")
        await asyncio.wait({execution.task}, timeout=CANCEL_WAIT_S)
        return True

    def _stop(self, execution: Execution, status: str) -> None:
        execution.stopped_as = execution.stopped_as or status
        if execution.task is not None:
            execution.task.cancel()

    async def drain(self, grace_s: float) -> None:
        """Accept no more, give runs `grace_s` seconds, stop the rest, and wait until all is recorded."""
        self._draining = True
        if self._accepting:
            await asyncio.wait(set(self._accepting))
        if tasks := self._tasks():
            await asyncio.wait(tasks, timeout=grace_s)
        while tasks := self._tasks():
            for execution in tuple(self._executions.values()):
                self._stop(execution, "interrupted")
            await asyncio.wait(tasks, timeout=1.0)  # an agent may have caught the first cancellation: ask again

    async def recover(self) -> int:
        """Mark runs that a crash left unfinished as interrupted; return how many. For start-up only.

        What such a run had emitted was not stored. Its only stored event is an agent_error, numbered 0.
        """
        message = "The server stopped while the run was at work; nothing of it was kept. Run it again."
        unfinished = await self.storage.unfinished_runs()
        for user_id, thread_id, run_id in unfinished:
            context = self.factory.make_context(
                user_id=user_id,
                thread_id=thread_id,
                run_id=run_id,
                request_id=None,
                session=None,
                metadata=None,
            )
            emitter = self.factory.make_emitter(self.hub, context)
            final: Frame = emitter.last("agent_error", {"error": "Interrupted", "message": message})
            async with self.storage.session() as session:
                repository = self.storage.repository(session, user_id)
                await repository.finish_run(run_id, "interrupted", error=message)
                await repository.save_events((final,))
        return len(unfinished)

    # Accounts

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {execution.task for execution in self._executions.values() if execution.task is not None}

    def held(self) -> Mapping[str, int]:
        """Count what is held now: what the factory counts, live runs' logs, and tasks."""
        return {
            **self.factory.held(),
            "runs": self.hub.held()["runs"],
            "tasks": len(self._executions) + len(self._accepting),
        }


def _stopped(execution: Execution) -> tuple[str, str]:
    if execution.stopped_as == "interrupted":
        return "Interrupted", "The server is shutting down; nothing of the run was kept. Run it again."
    return "Cancelled", "The run was cancelled; nothing of it was kept."
