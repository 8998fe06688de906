"""The library inside somebody else's program: its loop goes on, its signals and its terminal are its own."""

import asyncio
import gc
import io
import json
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Never

import anyio
import pytest
import structlog
from pydantic import SecretStr

from jobs.model import Status
from worker.engine.progress import Progress
from worker.engine.run import RunEnd
from worker.events import Draining, Event, SlowedDown, Working
from worker.exit_statuses import DONE, INTERRUPTED, NOT_ALL, STOPPED
from worker.files.run_directory import Busy
from worker.files.runs import listed
from worker.operations import commands
from worker.operations.undo import NothingToUndo
from worker.sandbox import Sandbox, SandboxSettings, seeded_id, serve
from worker.settings import ConfigError, Input, Pacing, Secrets, Settings, Stopping, Target

TYPE = "stripe_payments"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SEED = f"{TYPE}=40"


@dataclass(frozen=True, slots=True)
class Program:
    """Somebody's program, with a sheet, a folder for runs and a sandbox."""

    folder: Path
    sandbox: Sandbox
    heard: list[Event] = field(default_factory=list)

    @property
    def secrets(self) -> Secrets:
        return Secrets(token=SecretStr(self.sandbox.token))

    @property
    def common(self) -> dict[str, Any]:
        return {"state_directory": self.folder / "state", "observer": self.heard.append}

    @property
    def run(self) -> Path:
        return self.folder / "run"

    def settings(self, rows: int = 5, mark: str = "r", **groups: Any) -> Settings:
        """Those of a sheet that is written anew, with so many rows."""
        lines = "".join(f"{seeded_id(TYPE, row)},{mark}-{row}\n" for row in range(rows))
        (self.folder / "sheet.csv").write_text(f"id,reference\n{lines}")
        how = Input(source=str(self.folder / "sheet.csv"), format="csv")
        fast = {"pacing": Pacing(discover=False), "stopping": Stopping(canary=0), **groups}
        return Settings(target=Target(url=self.sandbox.url, type=TYPE), input=how, **fast)

    async def apply(self, settings: Settings, name: str = "run") -> RunEnd:
        place = self.folder / name
        async with commands.apply(settings, self.secrets, directory=place, **self.common) as run:
            return await run.execute()

    def patches(self) -> int:
        return sum(entry.method == "PATCH" for entry in self.sandbox.ledger)

    def references(self) -> list[object]:
        records = self.sandbox.resources[TYPE]
        return [records[seeded_id(TYPE, row)].attributes["reference"] for row in range(5)]


@asynccontextmanager
async def program(folder: Path, **world: Any) -> AsyncIterator[Program]:
    async with serve(SandboxSettings(seed=(SEED,), **world)) as sandbox:
        yield Program(folder, sandbox)


async def do_it_all(folder: Path) -> list[RunEnd]:
    async with program(folder) as own:
        ends = []
        before, settings = own.references(), own.settings()
        async with commands.plan(settings, own.secrets, directory=own.run, **own.common) as run:
            ends.append(await run.execute())
        assert own.references() == before
        async with commands.apply_plan(own.run, own.secrets, **own.common) as run:
            ends.append(await run.execute())
        assert own.references() == [f"r-{row}" for row in range(5)]
        async with commands.resume(own.run, own.secrets, **own.common) as run:
            ends.append(await run.execute())
        async with commands.retry(own.run, own.secrets, **own.common) as run:
            ends.append(await run.execute())
        back = folder / "back"
        async with commands.undo(own.run, own.secrets, directory=back, **own.common) as run:
            assert (run.rows, run.lost, run.mode) == (5, 0, "test")
            ends.append(await run.execute())
        assert own.references() == before
        assert (await commands.verify(back, own.secrets, **own.common)).counts == {"holds": 5}
        assert (await commands.verify(back, own.secrets, sample=3, **own.common)).counts == {"holds": 3}
        assert (back / "verify.csv").is_file()
        reported = await commands.report(own.run)
        assert reported.summary is not None
        assert reported.summary.counts[Status.APPLIED] == 5
        assert (await commands.check(settings.input, TYPE)).rows == 5
        return ends


async def test_all_of_it_works_in_a_loop_that_goes_on(tmp_path: Path) -> None:
    ends = await do_it_all(tmp_path)
    assert [(end.state, end.exit_status) for end in ends] == [("planned", 0), *[("finished", 0)] * 4]
    assert [end.plan is not None for end in ends] == [True, False, False, False, False]
    assert [end.summary is not None for end in ends] == [False, True, True, True, True]


def surroundings() -> tuple[object, ...]:
    """What belongs to the program as a whole."""
    umask = os.umask(0o022)
    os.umask(umask)
    handlers = tuple(signal.getsignal(number) for number in SIGNALS)
    return handlers, umask, gc.get_threshold(), gc.isenabled(), structlog.is_configured()


def of_its_own(work: Callable[[], Coroutine[Any, Any, object]]) -> None:
    """Run a program to its end in a loop of its own; `asyncio.run` would have a handler of its own for Ctrl-C."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()


def test_what_is_watched_says_what_it_is_about(tmp_path: Path) -> None:
    aims: list[tuple[str, str, bool]] = []

    async def watch(progress: Progress) -> Never:
        aims.append((progress.aim.command, progress.aim.mode, progress.aim.is_live))
        await asyncio.Event().wait()
        raise AssertionError

    async def work() -> None:
        for mode in ("test", "live"):
            folder = tmp_path / mode
            folder.mkdir()
            async with program(folder, latency=0.01, mode=mode) as own:
                async with commands.plan(own.settings(), own.secrets, directory=own.run, **own.common) as run:
                    await run.execute(watch)
                async with commands.apply_plan(own.run, own.secrets, **own.common) as run:
                    await run.execute(watch)
                async with commands.undo(own.run, own.secrets, directory=folder / "back", **own.common) as run:
                    await run.execute(watch)

    of_its_own(work)
    assert aims == [
        ("plan", "test", False), ("apply", "test", False), ("undo", "test", False),
        ("plan", "live", False), ("apply", "live", True), ("undo", "live", True),
    ]  # fmt: skip


@pytest.mark.parametrize("in_thread", [False, True])
def test_nothing_of_the_program_is_touched_and_nothing_is_said(
    in_thread: bool, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()
    seen: list[object] = []

    async def work() -> None:
        async with program(tmp_path, latency=0.01) as own:
            run = commands.apply(
                own.settings(), own.secrets, state_directory=tmp_path / "state", directory=own.run,
                observer=lambda _: seen.append(surroundings()),
            )  # fmt: skip
            async with run as prepared:
                seen.append(surroundings())
                await prepared.execute(watch)
        await do_it_all(tmp_path / "more")

    async def watch(_: Progress) -> Never:
        while True:
            seen.append(surroundings())
            await asyncio.sleep(0.005)

    (tmp_path / "more").mkdir()
    before = surroundings()
    if in_thread:
        thread = threading.Thread(target=of_its_own, args=(work,))
        thread.start()
        thread.join(60)
    else:
        of_its_own(work)
    assert len(seen) > 4
    assert set(seen) == {before}
    assert surroundings() == before
    assert capfd.readouterr() == ("", "")


async def test_the_loop_goes_on_while_a_sheet_is_checked_and_reported(tmp_path: Path) -> None:
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            ticks.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.005)

    async with program(tmp_path) as own:
        settings = own.settings()
        with (tmp_path / "sheet.csv").open("a") as sheet:
            sheet.writelines(f"{row:010},R-{row}\n" for row in range(40_000))
        settings = settings.model_copy(update={"input": settings.input.model_copy(update={"limit": 5})})
        beside = asyncio.create_task(tick())
        async with commands.apply(settings, own.secrets, directory=own.run, **own.common) as run:
            while_checked = len(ticks)
            end = await run.execute()
        beside.cancel()
    assert end.exit_status == DONE
    assert while_checked > 10
    assert max(later - sooner for sooner, later in pairwise(ticks)) < 1.0


async def test_a_run_that_is_not_executed_leaves_nothing_behind(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        async with commands.apply(settings, own.secrets, directory=own.run, **own.common) as run:
            assert (run.rows, run.url, run.mode, run.is_harmless) == (5, own.sandbox.url, "test", True)
            assert (run.directory, run.warnings, run.no_token) == (own.run, (), "")
            assert run.settings.input.delimiter == ","
            assert own.run.is_dir()
        assert not own.run.exists()
        with pytest.raises(ZeroDivisionError):
            async with commands.plan(settings, own.secrets, directory=own.run, **own.common):
                raise ZeroDivisionError
        assert not own.run.exists()
        assert own.sandbox.ledger == []
        assert (await own.apply(settings)).exit_status == DONE
        async with commands.undo(own.run, own.secrets, directory=tmp_path / "back", **own.common):
            assert (tmp_path / "back").is_dir()
        assert not (tmp_path / "back").exists()


async def test_a_run_that_is_not_gone_on_with_stays_as_it_is(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        await own.apply(own.settings())
        before = {path.name: path.read_bytes() for path in own.run.iterdir()}
        async with commands.resume(own.run, own.secrets, **own.common):
            with pytest.raises(Busy):
                await commands.report(own.run)
        async with commands.retry(own.run, own.secrets, **own.common):
            pass
        assert {path.name: path.read_bytes() for path in own.run.iterdir()} == before


async def once_under_way(own: Program, cancel: Callable[[], object]) -> None:
    """Call `cancel` when the first updates have been answered."""
    while own.patches() < 3:  # noqa: ASYNC110  # the sandbox has no event for it
        await asyncio.sleep(0.005)
    cancel()


async def cancelled_as_a_task(own: Program, work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.create_task(work)
    await once_under_way(own, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancelled_by_a_scope(own: Program, work: Coroutine[Any, Any, object]) -> None:
    with anyio.CancelScope() as scope:
        beside = asyncio.create_task(once_under_way(own, scope.cancel))
        await work
    assert scope.cancelled_caught
    await beside


async def cancelled_by_a_timeout(own: Program, work: Coroutine[Any, Any, object]) -> None:
    now = asyncio.get_running_loop().time

    async def work_in_time() -> None:
        async with asyncio.timeout(None) as timeout, asyncio.TaskGroup() as beside:
            beside.create_task(once_under_way(own, lambda: timeout.reschedule(now())))
            await work

    with pytest.raises(TimeoutError):
        await work_in_time()


@pytest.mark.parametrize("cancelled", [cancelled_as_a_task, cancelled_by_a_scope, cancelled_by_a_timeout])
async def test_a_cancelled_run_ends_in_an_orderly_way_and_can_be_resumed(
    cancelled: Callable[[Program, Coroutine[Any, Any, object]], Coroutine[Any, Any, None]], tmp_path: Path
) -> None:
    async with program(tmp_path, latency=0.03) as own:
        await cancelled(own, own.apply(own.settings(40, pacing=Pacing(concurrency=2, discover=False))))
        assert own.heard == [Working(own.run, 40), Draining()]
        (stopped,) = listed(tmp_path)
        assert stopped.state == "interrupted"
        assert 0 < stopped.counts[Status.APPLIED] == own.patches() < 40
        assert json.loads((own.run / "summary.json").read_text())["exit_status"] == INTERRUPTED
        async with commands.resume(own.run, own.secrets, **own.common) as run:
            end = await run.execute()
        assert (end.state, end.exit_status) == ("finished", DONE)
        assert own.patches() == 40


async def test_a_second_cancellation_waits_for_no_request(tmp_path: Path) -> None:
    async with program(tmp_path, latency=30.0) as own:
        blind = own.settings()
        blind = blind.model_copy(
            update={"input": blind.input.model_copy(update={"blind": True, "metadata": "replace"})}
        )
        task = asyncio.create_task(own.apply(blind))
        await asyncio.sleep(0.5)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=0.3)
        assert not done
        task.cancel()
        with anyio.fail_after(5), pytest.raises(asyncio.CancelledError):
            await task
        (stopped,) = listed(tmp_path)
        assert stopped.state == "interrupted"
        assert not (own.run / "results.csv").exists()


async def test_who_is_cancelled_while_a_run_is_prepared_leaves_nothing_behind(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        with (tmp_path / "sheet.csv").open("a") as sheet:
            sheet.writelines(f"{row:010},R-{row}\n" for row in range(20_000))
        task = asyncio.create_task(own.apply(settings))
        while not own.run.exists():  # noqa: ASYNC110  # a thread makes it
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not own.run.exists()
        assert own.sandbox.ledger == []


async def test_a_prepared_run_is_executed_once(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        async with commands.apply(own.settings(), own.secrets, directory=own.run, **own.common) as run:
            await run.execute()
            with pytest.raises(RuntimeError, match="once"):
                await run.execute()
        assert own.run.exists()


async def test_bytes_are_an_input_too(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        how = Input(source="-", format="ndjson")
        line = f'{{"id": "{seeded_id(TYPE, 0)}", "reference": "from memory"}}\n'.encode()
        assert (await commands.check(how, TYPE, stream=io.BytesIO(line))).rows == 1
        settings = settings.model_copy(update={"input": how})
        apply = commands.apply(settings, own.secrets, directory=own.run, stream=io.BytesIO(line), **own.common)
        async with apply as run:
            assert (await run.execute()).exit_status == DONE
        assert own.references()[0] == "from memory"


async def test_a_check_can_be_looked_at_from_the_loop(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        with (tmp_path / "sheet.csv").open("a") as sheet:
            sheet.write(f"{seeded_id(TYPE, 0)},again\n")
        checked = await commands.check(settings.input, TYPE)
        assert [repeated.first for repeated in checked.duplicates] == [2]


async def test_warnings_are_texts_that_the_caller_may_show(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        (tmp_path / "sheet.csv").write_text(f"id,reference\n{seeded_id(TYPE, 0)},M\u00c3\u00bcller\n")
        async with commands.apply(settings, own.secrets, directory=own.run, **own.common) as run:
            (warning,) = run.warnings
            assert "rowpatch check" in warning


async def test_what_is_refused_raises_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        live = settings.model_copy(update={"target": settings.target.model_copy(update={"expect_mode": "live"})})
        clear = settings.model_copy(update={"target": Target(url="http://api.example", type=TYPE)})
        for refused, said in ((live, "credential is for test mode"), (clear, "in the clear")):
            with pytest.raises(ConfigError, match=said):
                await own.apply(refused)
            assert not own.run.exists()
        astray = own.secrets.model_copy(update={"auth_url": "http://auth.example"})
        with pytest.raises(ConfigError, match="in the clear"):
            async with commands.apply(settings, astray, directory=own.run, **own.common):
                pass
        with pytest.raises(ConfigError, match="not a run directory"):
            await commands.verify(tmp_path, own.secrets, **own.common)
        assert own.sandbox.ledger == []


async def test_the_url_is_taken_as_a_flag_would_be(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        target = Target(url=f"{own.sandbox.url}/api/", type=TYPE)
        settings = settings.model_copy(update={"target": target})
        async with commands.apply(settings, own.secrets, directory=own.run, **own.common) as run:
            assert run.url == own.sandbox.url


async def test_without_a_token_the_run_stops_and_is_kept(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        wrong = Secrets(client_id=SecretStr("no"), client_secret=SecretStr("no"), auth_url=own.sandbox.url)
        async with commands.apply(own.settings(), wrong, directory=own.run, **own.common) as run:
            assert run.no_token.startswith("no token from")
            end = await run.execute()
        assert (end.state, end.exit_status) == ("stopped", STOPPED)
        assert end.message.startswith("authorisation_lost: no token")
        async with commands.resume(own.run, own.secrets, **own.common) as run:
            assert (await run.execute()).exit_status == DONE


async def test_an_undo_of_nothing_says_so_and_a_plan_of_one_sends_nothing(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        await own.apply(own.settings())
        sent = len(own.sandbox.ledger)
        undo = commands.undo(own.run, own.secrets, directory=tmp_path / "back", plan_only=True, **own.common)
        async with undo as run:
            end = await run.execute()
        assert end.plan is not None
        assert end.plan.to_send == 5
        assert {entry.method for entry in own.sandbox.ledger[sent:]} == {"GET"}
        assert (await own.apply(own.settings(), "same")).exit_status == DONE
        with pytest.raises(NothingToUndo):
            async with commands.undo(tmp_path / "same", own.secrets, directory=tmp_path / "no", **own.common):
                pass
        assert not (tmp_path / "no").exists()


async def test_adjusted_settings_and_a_limit_are_those_of_flags(tmp_path: Path) -> None:
    def first_two(stored: Settings) -> Settings:
        assert stored.input.limit is None
        return stored.model_copy(update={"input": stored.input.model_copy(update={"limit": 2})})

    async with program(tmp_path) as own:
        settings = own.settings()
        limited = settings.input.model_copy(update={"limit": 4})  # of the run, which says nothing about its undo
        await own.apply(settings.model_copy(update={"input": limited}))
        back = tmp_path / "back"
        async with commands.undo(own.run, own.secrets, directory=back, adjust=first_two, **own.common) as run:
            assert run.rows == 2
            await run.execute()
        assert sum(str(reference).startswith("r-") for reference in own.references()) == 2


async def test_an_observer_hears_typed_events(tmp_path: Path) -> None:
    async with program(tmp_path, limit=(2, 0.4), headers=False) as own:
        end = await own.apply(own.settings(pacing=Pacing(), stopping=Stopping(canary=0)))
    assert own.heard[0] == Working(own.run, 5)
    slow = [event for event in own.heard if isinstance(event, SlowedDown)]
    assert {(event.method, event.status) for event in slow} <= {("PATCH", 429), ("GET", 429)}
    assert slow
    assert end.summary is not None
    assert end.summary.refused_429 == len(slow)


async def test_rows_that_fail_make_the_exit_status_and_no_exception(tmp_path: Path) -> None:
    async with program(tmp_path) as own:
        settings = own.settings()
        with (tmp_path / "sheet.csv").open("a") as sheet:
            sheet.write("AAAAAAAAAA,nobody\n")
        end = await own.apply(settings)
    assert (end.state, end.exit_status) == ("finished", NOT_ALL)
