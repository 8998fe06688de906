"""The list of runs: what each is, how it stands, and what to do about it next."""

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from jobs.model import RowRef, RowResult, Status
from worker.files.run_directory import JOURNAL, locked
from worker.files.runs import RunListed, label_of_undo, lines, listed, newest, nights, to_undo
from worker.journal import PLAN, Journal, create, inline
from worker.settings import ConfigError, Input, Settings, Target

ROWS = 3
ALL = {1: Status.APPLIED, 2: Status.APPLIED, 3: Status.APPLIED}


def make(
    directory: Path,
    *processes: tuple[str, str],
    results: Mapping[int, Status] = ALL,
    limit: int | None = None,
    at: float = 100.0,
    status: int = 0,
    **facts: str,
) -> Path:
    """A run directory whose processes ended in these states; one that is `running` did not end."""
    directory.mkdir(parents=True)
    how = Input(source="sheet.csv", format="csv", limit=limit)
    settings = Settings(target=Target(url="https://a.example", type="orders"), input=how)
    made = {"source": "/sheet.csv", "sha256": "ab", "rows": str(ROWS), "settings": settings.recorded(), **facts}
    create(directory / JOURNAL, made)
    with closing(Journal(directory / JOURNAL)) as journal:
        for command, state in processes:
            journal.begin(command, at)
            anyio.run(settle, journal, results, at)
            if state != "running":
                journal.end(state, status, "", at)
            results = {}
    return directory


async def settle(journal: Journal, results: Mapping[int, Status], at: float) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: at)
        for row, status in results.items():
            journal.settle(RowResult(RowRef(row, 0, b""), status, at=at))
        await journal.flush()
        journal.stop_committing()


SOME = {1: Status.APPLIED}
AGAIN = "rowpatch reconcile '/jobs/my prices.toml'"
OF_NIGHT: dict[str, Any] = {"night": "7", "recipe": "/jobs/my prices.toml"}
OF_DRY_RUN: dict[str, Any] = {"dry_run": "yes", "recipe": "/jobs/my prices.toml"}


@pytest.mark.parametrize(
    ("processes", "more", "part", "next_"),
    [
        ([("plan", "planned"), ("apply", "finished")], {PLAN: "kept"}, "night", ""),
        ([("plan", "planned"), ("apply", "stopped")], {PLAN: "kept", "results": SOME}, "night", AGAIN),
        ([("plan", "planned"), ("apply", "running")], {PLAN: "kept", "results": SOME}, "night", AGAIN),
        ([("plan", "stopped")], {"results": {}}, "night", AGAIN),  # while it was reading
        ([("plan", "planned")], {PLAN: "complete", "results": {}}, "night", AGAIN),  # killed before it sent
        ([("plan", "planned")], {PLAN: "complete", "results": {}, "status": 3}, "night", "rowpatch apply --plan RUN"),
        ([("apply", "finished")], {"results": {**SOME, 2: Status.FAILED}, "status": 1}, "night", AGAIN),
        ([("apply", "finished")], {"results": {**SOME, 2: Status.INVALID}, "status": 1}, "night", "see RUN/failed.*"),
        ([("apply", "finished")], {"results": {2: Status.SKIPPED}, "status": 1}, "night", "see RUN/results.csv"),
        ([("apply", "stopped")], {"results": SOME, "gone": "n"}, "clearing", AGAIN),
        ([("plan", "planned")], {PLAN: "complete", "results": {}, "status": 3}, "dry run", ""),
    ],
)  # fmt: skip
def test_a_night_is_gone_on_with_by_its_job_and_a_dry_run_not_at_all(
    tmp_path: Path, processes: list[tuple[str, str]], more: dict[str, object], part: str, next_: str
) -> None:
    facts = OF_DRY_RUN if part == "dry run" else OF_NIGHT
    directory = make(tmp_path / "runs" / "a", *processes, **more, **facts)  # type: ignore[arg-type]  # a table
    (run,) = listed(tmp_path / "runs")
    assert (run.part, run.next) == (part, next_.replace("RUN", str(directory)))
    assert (run.is_open, run.needs_retry) == (False, False)  # `resume` and `retry` would refuse it
    older = make(tmp_path / "runs" / "b", ("apply", "stopped"), results=SOME, at=50.0, **OF_NIGHT)
    told = list(lines(listed(tmp_path / "runs"), 200.0))
    assert told[1 + bool(next_)].startswith(str(older))
    assert (told[-1] == f"    {AGAIN}") == (part != "night")  # only the newest night has a next command


@pytest.mark.parametrize(
    ("processes", "more", "state", "next_"),
    [
        ([("apply", "finished")], {}, "finished", ""),
        ([("apply", "finished")], {"results": {**SOME, 2: Status.FAILED, 3: Status.INVALID}}, "finished", "retry"),
        ([("apply", "finished")], {"results": {**SOME, 2: Status.SKIPPED, 3: Status.INVALID}}, "finished", "failed.*"),
        ([("apply", "finished")], {"results": SOME, "limit": 1}, "finished", "resume RUN --limit 3"),
        ([("apply", "stopped")], {"results": SOME}, "stopped", "resume RUN"),
        ([("apply", "stopped")], {"results": SOME, "limit": 2}, "stopped", "resume RUN"),
        ([("apply", "interrupted"), ("resume", "finished")], {}, "finished", ""),
        ([("apply", "interrupted"), ("resume", "interrupted")], {"results": SOME}, "interrupted", "resume RUN"),
        ([("apply", "running")], {"results": SOME}, "killed", "resume RUN"),
        ([], {}, "killed", "resume RUN"),  # between the journal and the first process
        ([("plan", "planned")], {"results": {}, PLAN: "complete"}, "planned", "apply --plan RUN"),
        ([], {"results": {}, PLAN: "complete"}, "planned", "apply --plan RUN"),  # an undo, killed before it began
        ([("plan", "stopped")], {"results": {}}, "stopped", ""),
        ([("plan", "planned"), ("apply", "finished")], {PLAN: "kept"}, "finished", ""),
        ([("plan", "planned"), ("apply", "interrupted")], {"results": SOME, PLAN: "kept"}, "interrupted", "resume RUN"),
        ([("plan", "planned"), ("apply", "finished")], {"results": SOME, "limit": 1, PLAN: "kept"}, "finished", ""),
    ],
)  # fmt: skip
def test_a_run_stands_as_its_last_process_left_it(
    tmp_path: Path, processes: list[tuple[str, str]], more: dict[str, object], state: str, next_: str
) -> None:
    directory = make(tmp_path / "runs" / "a", *processes, **more)  # type: ignore[arg-type]  # a table
    (run,) = listed(tmp_path / "runs")
    assert (run.state, run.rows) == (state, ROWS)
    assert next_.replace("RUN", str(directory)) in run.next
    assert bool(run.next) == bool(next_)
    assert run.is_open == next_.startswith("resume")


def test_a_look_at_a_run_leaves_no_trace_in_its_directory(tmp_path: Path) -> None:
    directory = make(tmp_path / "runs" / "50% a?b#c", ("apply", "finished"))
    with locked(directory):
        pass
    os.utime(directory, (1.0, 1.0))
    (run,) = listed(tmp_path / "runs")
    assert (run.state, run.counts) == ("finished", {Status.APPLIED: 3})
    assert directory.stat().st_mtime == 1.0


def test_a_run_that_somebody_has_begun_to_write_is_read_as_it_is(tmp_path: Path) -> None:
    directory = make(tmp_path / "runs" / "a", ("apply", "stopped"), results=SOME)
    with closing(Journal(directory / JOURNAL)) as journal:
        journal.begin("resume", 200.0)
        (run,) = listed(tmp_path / "runs")
    assert (run.state, run.at) == ("killed", 200.0)  # what stands only beside the journal, so far


def test_a_run_that_a_process_holds_is_at_work(tmp_path: Path) -> None:
    directory = make(tmp_path / "runs" / "a", ("apply", "running"), results={})
    with locked(directory):
        (run,) = listed(tmp_path / "runs")
    assert (run.state, run.is_open, run.next) == ("working", False, "")


@pytest.mark.parametrize("content", [b"", b"no journal", None])
def test_a_run_whose_journal_cannot_be_read_is_damaged(tmp_path: Path, content: bytes | None) -> None:
    directory = tmp_path / "runs" / "a"
    if content is None:
        make(directory, ("apply", "finished"), settings="{}")
    else:
        directory.mkdir(parents=True)
        (directory / JOURNAL).write_bytes(content)
    (run,) = listed(tmp_path / "runs")
    assert (run.state, run.next, run.is_open, run.has_written) == ("damaged", "", False, False)


def test_the_newest_comes_first_and_what_is_no_run_is_left_out(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    for name, at in (("a", 3.0), ("b", 5.0), ("c", 4.0)):
        make(home / name, ("apply", "finished"), at=at)
    (home / "notes").mkdir()
    (home / "file").touch()
    (home / "loop").symlink_to("loop")
    assert [run.directory.name for run in listed(home)] == ["b", "c", "a"]
    assert listed(tmp_path / "nowhere") == []


def test_the_newest_that_fits_is_found_or_the_lack_is_told(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    make(home / "old", ("apply", "stopped"), results=SOME, at=1.0)
    make(home / "new", ("apply", "finished"), at=2.0)
    assert newest(" to be resumed", lambda run: run.is_open, home) == home / "old"
    assert newest(" to be retried", lambda run: run.needs_retry, home) == home / "old"
    with pytest.raises(ConfigError, match=r"In .* there is no run that is damaged"):
        newest(" that is damaged", lambda run: run.state == "damaged", home)


def test_neither_an_undo_nor_what_is_undone_is_undone_again(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    first, second, third = (
        make(home / name, ("apply", "finished"), at=at) for name, at in (("a", 1.0), ("b", 2.0), ("caf\udcff", 3.0))
    )
    make(home / "nothing", ("apply", "finished"), results={1: Status.FAILED}, at=9.0)
    assert to_undo(home) == third
    make(home / "undo-c", ("undo", "finished"), source=label_of_undo(third), at=4.0, plan="kept")
    assert to_undo(home) == second
    make(home / "undo-b-plan", ("plan", "planned"), source=label_of_undo(second), results={}, plan="complete")
    make(home / "undo-b-none", source=label_of_undo(second), results={}, plan="complete")
    assert to_undo(home) == second
    plan_first = [("plan", "planned"), ("apply", "finished")]
    make(home / "undo-b", *plan_first, source=label_of_undo(second), plan="kept")
    assert to_undo(home) == first
    make(home / "undo-a", ("undo", "finished"), source=label_of_undo(first), plan="kept")
    with pytest.raises(ConfigError, match="no run that has applied rows and is not undone"):
        to_undo(home)


@pytest.mark.parametrize(
    ("state", "command"),
    [("finished", ""), ("stopped", "rowpatch undo"), ("interrupted", "rowpatch undo"), ("killed", "rowpatch undo")],
)
def test_a_probe_that_did_not_finish_is_undone_and_never_resumed(tmp_path: Path, state: str, command: str) -> None:
    home = tmp_path / "runs"
    make(home / "a", ("probe", "running" if state == "killed" else state), results=SOME, at=1.0)
    (run,) = listed(home)
    assert (run.state, run.is_open, run.needs_retry) == (state, False, False)
    assert run.next.startswith(command)
    assert bool(run.next) == bool(command)
    if not command:
        with pytest.raises(ConfigError):
            to_undo(home)


@pytest.mark.parametrize(
    ("age", "told"),
    [(-5, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 days"), (9e6, "104 days")],
)
def test_a_line_says_state_age_and_counts(age: float, told: str) -> None:
    run = RunListed(Path("runs/a b"), "apply", "/s.csv", "finished", 1e9, 1234, {Status.APPLIED: 1234}, reach=1234)
    assert list(lines([run], 1e9 + age)) == [f"runs/a b  finished, {told} ago: 1,234 rows, 1,234 applied"]


def test_the_second_line_is_a_command_that_a_shell_understands() -> None:
    run = RunListed(Path("runs/a b"), "apply", "/s.csv", "stopped", 1e9, 5, {Status.APPLIED: 3}, reach=5)
    assert list(lines([run], 1e9))[1:] == ["    rowpatch resume 'runs/a b'"]


@pytest.mark.parametrize(
    ("state", "exit_status", "outcome"),
    [
        ("finished", 0, "ok"),
        ("finished", 1, "partial"),
        ("finished", 3, "stopped"),  # without reports, or not all that is gone was cleared
        ("planned", 0, "planned"),
        ("planned", 3, "guard"),
        ("stopped", 3, "stopped"),
        ("killed", None, "killed"),
    ],
)
def test_an_outcome_says_more_than_the_state(state: str, exit_status: int | None, outcome: str) -> None:
    assert RunListed(Path("a"), "apply", "s", state, 0.0, 1, {}, exit_status=exit_status).outcome == outcome


def test_the_nights_of_a_job_are_listed_by_their_names_with_their_outcomes(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    make(home / "prices-2026-12-01", ("apply", "stopped"), results=SOME, at=100.0, **OF_NIGHT)
    make(home / "prices-2026-12-02", ("apply", "finished"), at=200.0, **OF_NIGHT)
    make(home / "prices-2026-12-02-2", ("apply", "stopped"), results=SOME, at=300.0, **OF_NIGHT)
    make(home / "prices-2026-12-02-3", ("plan", "planned"), results={}, at=310.0, plan="complete", **OF_DRY_RUN)
    make(home / "prices-de-2026-12-02", ("apply", "finished"), at=200.0)
    make(home / "sheet-20261202T000000Z", ("apply", "finished"), at=400.0)
    assert list(nights("prices", listed(home, "prices"), 400.0)) == [
        "prices: 1 of 3 nights ok, the last one 3 min ago.",
        f"{home}/prices-2026-12-02-3  dry run, 90 s ago: 3 rows",  # is no night
        f"{home}/prices-2026-12-02-2  stopped, 100 s ago: 3 rows, 1 applied",
        f"    {AGAIN}",
        f"{home}/prices-2026-12-02  ok, 3 min ago: 3 rows, 3 applied",
        f"{home}/prices-2026-12-01  stopped, 5 min ago: 3 rows, 1 applied",  # superseded: there is no next command
    ]


def test_a_job_whose_nights_all_failed_has_no_good_one(tmp_path: Path) -> None:
    make(tmp_path / "a-2026-12-01", ("apply", "stopped"), at=0.0)
    assert next(nights("a", listed(tmp_path, "a"), 0.0)) == "a: 0 of 1 nights ok, look at the newest."


def test_a_run_that_took_values_is_to_be_undone_and_is_neither_resumed_nor_retried_unasked(tmp_path: Path) -> None:
    directory = make(tmp_path / "runs" / "a", results={1: Status.APPLIED, 2: Status.REJECTED})
    with closing(Journal(directory / JOURNAL)) as journal:
        journal.begin("apply", 100.0)
        journal.end("stopped", 3, "values_lost: row 1: `size.height` (was 7) was not sent and gone now", 101.0)
    (run,) = listed(tmp_path / "runs")
    assert (run.is_open, run.needs_retry, run.next) == (False, False, f"rowpatch undo {directory}")
