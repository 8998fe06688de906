"""Prepared runs: held, checked, with a token, and nothing sent. The caller looks at one, decides, and executes it.

Blocking work is done in worker threads. SQLite's objects may change threads, as long as one uses them at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from jobs.values import valueclass
from worker.engine.progress import Watch
from worker.engine.run import RunEnd
from worker.exit_statuses import INTERRUPTED
from worker.operations import runs
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, Host, RunMode, ToSend
from worker.settings import Secrets, Settings, checked_origin, checked_url

T = TypeVar("T")


@valueclass(frozen=True, slots=True)
class Held:
    """A run that this process holds, and what it is to do.

    Attributes:
        warnings: about the input, or about rows that are left alone.
    """

    handle: RunHandle
    mode: RunMode
    warnings: tuple[str, ...] = ()


class PreparedRun:
    """A run that is ready to be executed, once.

    Attributes:
        directory: of the run; nobody else works on it until the block ends.
        settings: of the run, with what the input itself says.
        rows: that may be sent at most. `url`: origin of the API they go to.
        mode: of the credential, `test` or `live`; empty where it does not say.
        is_harmless: nothing is sent, or no live data is at stake.
        lost: values that an undo cannot restore.
        warnings: texts that the command line would print.
        no_token: why there is no token: the run would stop at once. Empty when there is one.
    """

    def __init__(self, held: Held, access: Access, planned: ToSend, host: Host) -> None:
        """Take what the operations prepare; use `rowpatch.apply` and its like."""
        self.directory: Path = held.handle.directory
        self.settings: Settings = held.handle.settings
        self.rows: int = planned.rows
        self.url: str = planned.url
        self.mode: str = planned.mode
        self.is_harmless: bool = planned.is_harmless
        self.lost: int = held.handle.lost
        self.warnings: tuple[str, ...] = held.warnings
        self.no_token: str = access.lost
        self._held = held
        self._access = access
        self._host = host
        self._is_executed = False

    async def execute(self, watch: Watch | None = None) -> RunEnd:
        """Send (or plan) what is to be sent, and write the reports.

        A cancellation ends the run in an orderly way: nothing new is sent, what is in flight is waited for (a request
        takes at most `settings.attempts.timeout` seconds), and everything known is on disk when `CancelledError` is
        raised. A second cancellation does not wait for requests, and leaves out the reports.

        Args:
            watch: looks at the progress until it is cancelled.

        Returns:
            How it ended: with a summary, or with a message that says why there is none.

        Raises:
            JournalError: the journal cannot be written.
            JournalDamaged, InputRefused: the run directory does not hold what it should.
            RuntimeError: it was executed before.
        """
        if self._is_executed:
            raise RuntimeError("A prepared run can be executed once: prepare it again.")
        self._is_executed = True
        handle, mode, access, host = self._held.handle, self._held.mode, self._access, replace(self._host, watch=watch)
        run = runs.run_of(handle, mode, access, host)

        async def work() -> RunEnd:
            await anyio.to_thread.run_sync(runs.register, handle, mode, access, host.clock)
            end = runs.without_token(access) if access.lost else await run.execute()
            return await anyio.to_thread.run_sync(runs.finish, handle, mode, end, host.clock)

        return await to_its_end(work(), lambda: run.interrupt(INTERRUPTED))


@asynccontextmanager
async def prepared(hold: Callable[[ExitStack], Held], secrets: Secrets, host: Host) -> AsyncIterator[PreparedRun]:
    """Hold a run until the block ends, and have a token for it.

    Args:
        hold: enters what holds the run; blocks.
        secrets: the credential.
        host: what this process brings along.

    Raises:
        ConfigError: the run cannot be prepared. Also whatever `hold` raises.
    """
    stack = ExitStack()
    try:
        held = await in_thread(partial(hold, stack))
        settings = held.handle.settings
        api = held.handle.api
        if settings.target.url:
            checked_url(settings.target.url, settings.target.api)
        if secrets.auth_url:
            checked_origin(secrets.auth_url)
        access = runs.token_at_hand(api, settings, secrets) or await runs.first_token(api, settings, secrets, host)
        held = replace(held, handle=runs.located(held.handle, access))
        yield PreparedRun(held, access, runs.to_send(held.handle, held.mode, access), host)
    finally:
        await in_thread(stack.close)


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a worker thread; a cancellation is raised once it is done, so that nothing goes on unseen."""
    return await to_its_end(anyio.to_thread.run_sync(work), lambda: None)


async def to_its_end(work: Coroutine[Any, Any, T], interrupt: Callable[[], None]) -> T:
    """Await work to its end, whatever happens.

    Args:
        work: runs in a task of its own.
        interrupt: called for each cancellation of the caller; the cancellation itself is raised after the end.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            with anyio.CancelScope(shield=cancelled is not None):  # or its scope cancels in every turn
                await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
            interrupt()
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()
