"""A night by the operation: the other system agrees by morning, or the report says exactly why not."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest

from jobs.model import Status
from tests.worker.operations.nights.desk import RECIPE, TYPE, Desk, desk, interrupting, record
from worker.cli.nights import recipe_of_night
from worker.engine.run import LONGEST_GAP, Run, RunEnd
from worker.exit_statuses import BUSY, DONE, INTERRUPTED, NOT_ALL, REFUSED, STOPPED
from worker.files.locks import holding, of_job, of_target
from worker.files.run_directory import JOURNAL
from worker.files.runs import listed
from worker.journal import History, Journal
from worker.notices.report import NightReport
from worker.operations.opening import Adjust, opened, opened_plan, opened_to_resume, stored_settings
from worker.operations.report import rewrite
from worker.operations.retry import Retry, prepare
from worker.reconcile import Memory
from worker.sandbox import LOCK_KEY
from worker.settings import ConfigError, Settings


async def test_a_first_night_has_to_be_asked_for_and_the_second_sends_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(5))
        refused = await own.night()
        assert (refused.outcome, refused.exit_status, own.sent()) == ("refused", REFUSED, 0)
        assert "--first" in refused.cause
        first = await own.night(first=True)
        assert (first.exit_status, first.changed, own.sent()) == (DONE, 5, 5), first
        assert own.attributes(3)["reference"] == "a-3"
        own.export(own.of(5))
        second = await own.night()
        assert (second.exit_status, second.changed, second.rows, own.sent()) == (DONE, 0, 5, 5)


async def test_drift_is_told_and_left_and_a_conflict_makes_the_night_partial(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(5))
        await own.night(first=True)
        own.edit(1, reference="by hand")
        own.edit(2, reference="by hand")
        own.export(own.of(5, but={2: "new"}))
        report = await own.night()
        assert (report.drifted, report.conflicts, report.exit_status) == (1, 1, NOT_ALL)
        assert own.results(report.run)[1:3] == [("skipped", "drifted"), ("conflict", "both_changed")]
        assert own.attributes(1)["reference"] == own.attributes(2)["reference"] == "by hand"


async def test_half_an_export_sends_nothing_until_somebody_approves_it(tmp_path: Path) -> None:
    async with desk(tmp_path, count=60) as own:
        own.export(own.of(50))
        await own.night(first=True)
        own.export(own.of(25, "b"))
        sent, before = own.sent(), own.memory()
        report = await own.night()
        assert (report.outcome, report.exit_status, own.sent()) == ("guard", STOPPED, sent)
        assert "the source has 25 rows, the largest of the last nights had 50" in report.cause
        assert report.next == f"rowpatch apply --plan {report.run}"
        assert own.memory() == before
        done = await own.night(days=0, hours=1, approved=report.run)
        assert (done.outcome, done.changed) == ("ok", 25)
        again = await own.night(days=0, hours=2, approved=report.run)
        assert again.outcome == "refused"
        assert own.sent() == sent + 25


async def test_a_night_goes_about_it_as_it_is_told_to_and_so_does_one_that_is_approved(tmp_path: Path) -> None:
    def paced(share: int) -> Adjust:
        return lambda said: said.model_copy(update={"pacing": said.pacing.model_copy(update={"headroom": share})})

    def told(run: Path | None) -> float:
        assert run is not None
        with closing(History(run / JOURNAL)) as history:
            return stored_settings(history)[0].pacing.headroom

    async with desk(tmp_path, count=60) as own:
        own.export(own.of(50))
        first = await own.night(first=True, adjust=paced(20))
        assert told(first.run) == 20
        own.export(own.of(25, "b"))
        tripped = await own.night(adjust=paced(20))
        assert tripped.outcome == "guard"
        done = await own.night(days=0, hours=1, approved=tripped.run, adjust=paced(30))
        assert (done.outcome, told(done.run)) == ("ok", 30)


async def test_a_first_night_that_a_guard_stopped_can_be_approved(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered("[guards]\nfloor = 0\n")
        own.export([*own.of(10), ("nOtThErEaA", "x", "y")])
        tripped = await own.night(first=True)
        assert (tripped.outcome, own.sent()) == ("guard", 0)
        done = await own.night(days=0, hours=1, approved=tripped.run)
        assert (done.outcome, own.sent(), own.nights()) == ("partial", 10, ["accepted"])


async def test_a_night_that_is_approved_waits_for_no_other_job_again(tmp_path: Path) -> None:
    async with desk(tmp_path, count=60) as own:
        own.recipe.write_text('after = ["skus"]\n' + own.recipe.read_text())
        (tmp_path / "skus.state").mkdir()
        for rows, outcome in ((50, "ok"), (25, "guard")):
            at = NightReport("skus", "finished", DONE, started=own.at(days=1, hours=-1))
            (tmp_path / "skus.state" / "last.json").write_text(json.dumps(at.document()))
            own.export(own.of(rows))
            report = await own.night(first=rows == 50)
            assert report.outcome == outcome
        assert (await own.night(days=0, hours=1, approved=report.run)).outcome == "ok"


async def test_what_rows_mean_cannot_be_changed_once_a_night_is_planned(tmp_path: Path) -> None:
    def shortened(said: Settings) -> Settings:
        return said.model_copy(update={"input": said.input.model_copy(update={"limit": 1})})

    async with desk(tmp_path, count=60) as own:
        own.export(own.of(50))
        await own.night(first=True)
        own.export(own.of(25, "b"))
        tripped = await own.night()
        refused = await own.night(days=0, hours=1, approved=tripped.run, adjust=shortened)
        assert (refused.outcome, refused.changed) == ("refused", 0)
        assert "flags that change what rows mean are refused" in refused.cause
        assert (await own.night(days=0, hours=2, approved=tripped.run)).outcome == "ok"


async def test_a_tripped_night_is_stale_once_a_later_one_was_accepted(tmp_path: Path) -> None:
    async with desk(tmp_path, count=60) as own:
        own.export(own.of(50))
        await own.night(first=True)
        own.export(own.of(25, "b"))
        tripped = await own.night()
        own.export(own.of(50))
        assert (await own.night()).outcome == "ok"
        stale = await own.night(days=0, hours=1, approved=tripped.run)
        assert (stale.outcome, stale.exit_status) == ("refused", REFUSED)
        assert "stale: a later night was accepted" in stale.cause


async def test_a_dry_run_changes_neither_shop_nor_memory(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(5))
        dry = await own.night(first=True, dry_run=True)
        assert (dry.state, dry.changed, own.sent()) == ("planned", 5, 0)
        assert not list((tmp_path / "prices.state").glob("*.sqlite3"))
        await own.night(first=True)
        before = own.memory(), own.nights()
        own.export(own.of(5, "b"))
        dry = await own.night(dry_run=True)
        assert (dry.changed, own.memory(), own.nights(), own.sent()) == (5, *before, 5)


def lost_memory(own: Desk) -> None:
    shutil.rmtree(own.folder / "prices.state")


def other_job_first(own: Desk) -> None:
    own.recipe.write_text('after = ["skus"]\n' + own.recipe.read_text())


def no_export(own: Desk) -> None:
    shutil.rmtree(own.folder / "exports")


def shop_away(own: Desk) -> None:
    own.also["ROWPATCH_URL"] = "http://127.0.0.1:9"


@pytest.mark.parametrize("trouble", [lost_memory, other_job_first, no_export, shop_away])
async def test_a_dry_run_that_is_refused_or_stopped_leaves_no_trace_in_what_nights_tell(
    tmp_path: Path, trouble: Callable[[Desk], None]
) -> None:
    async with desk(tmp_path) as own:
        told = tmp_path / "told"
        own.ordered(f'[[notify]]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]\n')
        own.also["ROWPATCH_METRICS_DIR"] = str(tmp_path)
        own.export(own.of(3))
        await own.night(first=True)
        kept = tmp_path / "prices.state" / "last.json", tmp_path / "rowpatch-prices.prom"
        before = [path.read_text() for path in kept]
        trouble(own)
        dry = await own.night(dry_run=True)
        assert dry.exit_status in {REFUSED, STOPPED}
        assert not told.exists()
        assert kept[1].read_text() == before[1]
        assert kept[0].exists() == (trouble is not lost_memory)
        assert not kept[0].exists() or kept[0].read_text() == before[0]


@pytest.mark.parametrize("asked", [{}, {"dry_run": True}, {"dry_run": True, "first": True}, {"first": True}])
async def test_no_folder_is_made_before_there_is_a_memory_so_that_one_can_be_put_back(
    tmp_path: Path, asked: dict[str, bool]
) -> None:
    async with desk(tmp_path) as own:
        if asked == {"first": True}:  # with a sheet it would begin
            (tmp_path / "exports").mkdir()
        else:
            own.export(own.of(3))
        await own.night(**asked)
        assert not (tmp_path / "prices.state").exists()


async def test_a_dry_run_is_no_plan_to_be_applied_nor_to_be_gone_on_with(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        await own.night(first=True)
        own.export(own.of(3, "b"))
        dry = await own.night(dry_run=True)
        assert dry.run is not None
        said = rf"was a dry run, which is never sent\. To do a night of the job: rowpatch reconcile {own.recipe}"
        for command in (opened_plan, opened_to_resume, opened_and_retried):
            with pytest.raises(ConfigError, match=said), command(dry.run):
                pass
        assert recipe_of_night(dry.run) is None  # `apply --plan` asks
        plan = rewrite(dry.run).plan
        assert plan is not None
        assert plan.job == f"rowpatch reconcile {own.recipe}"
        (first, second) = listed(own.runs, "prices")
        assert (first.part, first.next, second.part, second.next) == ("dry run", "", "night", "")


async def test_a_dry_run_that_a_guard_would_stop_ends_as_the_night_would(tmp_path: Path) -> None:
    async with desk(tmp_path, count=60) as own:
        own.export(own.of(50))
        await own.night(first=True)
        own.export(own.of(25, "b"))
        dry = await own.night(dry_run=True)
        assert (dry.state, dry.outcome, dry.exit_status, dry.next) == ("planned", "guard", STOPPED, "")
        assert ended(dry.run) == ("guard", STOPPED)
        night = await own.night(days=0, hours=1)
        assert (night.outcome, night.exit_status) == (dry.outcome, dry.exit_status)
        assert dry.cause == f"a guard would stop it: {night.cause}"


async def test_a_dry_run_with_rows_that_cannot_be_sent_ends_as_a_plan_does(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export([*own.of(20), ("nOtThErEaA", "x", "y")])
        dry = await own.night(first=True, dry_run=True)
        assert (dry.outcome, dry.exit_status) == ("partial", NOT_ALL)


async def interrupted(run: Run) -> RunEnd:
    """Execute a run that is interrupted before it has read anything."""
    async with anyio.create_task_group() as beside:
        beside.start_soon(_interrupt, run)
        end = await run.execute()
        beside.cancel_scope.cancel()
    return end


async def _interrupt(run: Run) -> None:
    run.interrupt(INTERRUPTED)


async def test_a_night_that_stops_while_it_reads_counts_all_of_its_rows(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        report = await own.night(first=True, execute=interrupted)
        assert (report.outcome, report.rows, report.counts) == ("interrupted", 3, {Status.PENDING: 3})
        assert report.next == f"rowpatch reconcile {own.recipe} --first"
        (run,) = listed(own.runs, "prices")
        assert (run.rows, run.next) == (report.rows, f"rowpatch reconcile {own.recipe}")
        assert (await own.night(first=True)).outcome == "ok"


async def test_an_interrupted_night_goes_on_with_the_same_source(tmp_path: Path) -> None:
    async with desk(tmp_path, latency=0.01) as own:
        own.export(own.of(30))
        night = await own.night(first=True, execute=interrupting(own, 5))
        assert night.outcome == "interrupted"
        assert 5 <= own.sent() < 30
        rest = await own.night(days=0, hours=1, first=True)
        assert (rest.run, rest.outcome, own.sent()) == (night.run, "ok", 30)
        assert own.nights() == ["accepted"]


async def test_the_longest_gap_is_that_of_all_processes_of_a_night(tmp_path: Path) -> None:
    async with desk(tmp_path, latency=0.01) as own:
        own.export(own.of(30))
        night = await own.night(first=True, execute=interrupting(own, 5))
        assert night.run is not None
        assert night.longest_gap is not None
        with closing(Journal(night.run / JOURNAL)) as journal:
            journal.set_fact(LONGEST_GAP, "99.000")
        rest = await own.night(days=0, hours=1, first=True)
        assert (rest.outcome, rest.longest_gap) == ("ok", 99.0)


async def test_an_interrupted_night_is_superseded_by_another_source_and_what_it_did_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path, latency=0.01) as own:
        own.export(own.of(30))
        await own.night(first=True, execute=interrupting(own, 5))
        done = next(number for number in range(30) if own.attributes(number)["reference"] == f"a-{number}")
        own.edit(done, reference="by hand")
        own.export([*own.of(30), (31, "z", "z")])
        rest = await own.night(first=True)
        assert own.nights() == ["superseded", "accepted"]
        assert (rest.drifted, own.sent()) == (1, 31)
        assert own.attributes(done)["reference"] == "by hand"


async def test_an_approved_night_that_is_interrupted_stays_approved(tmp_path: Path) -> None:
    async with desk(tmp_path, count=60, latency=0.01) as own:
        own.export(own.of(50))
        await own.night(first=True)
        own.export(own.of(25, "b"))
        tripped = await own.night()
        stopped = await own.night(days=0, hours=1, approved=tripped.run, execute=interrupting(own, 5))
        assert stopped.outcome == "interrupted"
        sent = own.sent()
        assert (await own.night(days=0, hours=2)).outcome == "ok"
        assert (own.sent(), own.nights()) == (75, ["accepted", "accepted"])
        assert sent < 75
        own.export(own.of(24, "b"))
        assert (await own.night()).outcome == "ok"  # compared with the night that somebody approved


@pytest.mark.parametrize(
    ("header", "cell", "said"),
    [
        ("SHOP_ID,REF,NOTE,__status", "applied", "this is a results file"),
        ("SHOP_ID,REF,NOTE,_refresh", "true", "`_refresh` fires an action"),
        ("SHOP_ID,REF,NOTE,metadata:json", '"{""a"":1}"', "`metadata:json` is a whole object"),
    ],
)
async def test_a_sheet_that_is_no_source_of_a_night_is_refused_with_words(
    tmp_path: Path, header: str, cell: str, said: str
) -> None:
    async with desk(tmp_path) as own:
        plain = f'type = "{TYPE}"\nsource = "exports/*.csv"\nignore = ["NOTE", "REF"]\n'
        own.recipe.write_text(plain)
        own.export([(n, "r", "n", cell) for n in range(3)], header.replace("SHOP_ID", "id"))
        report = await own.night(first=True)
        assert (report.outcome, own.read(), own.sent()) == ("refused", 0, 0), report
        assert said in report.cause
        assert not list(own.runs.glob("*"))


@pytest.mark.parametrize(("name", "said"), [("lost.csv", "it is not there"), ("exports", "it is no file")])
async def test_a_named_sheet_that_cannot_be_read_is_refused_with_words(tmp_path: Path, name: str, said: str) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        report = await own.night(first=True, source=tmp_path / name)
        assert (report.outcome, report.exit_status, own.read()) == ("refused", REFUSED, 0)
        assert said in report.cause
        assert (await own.night(first=True)).outcome == "ok"


async def test_a_disk_that_goes_away_stops_a_night_with_words_and_somebody_is_told(tmp_path: Path) -> None:
    async def gone(_run: Run) -> RunEnd:
        raise OSError(5, "Input/output error", "runs/journal.sqlite3")

    async with desk(tmp_path) as own:
        told = tmp_path / "told"
        own.ordered(f'[[notify]]\ncommand = ["/bin/sh", "-c", "cat > {told}"]\non = ["failed"]\n')
        own.export(own.of(3))
        report = await own.night(first=True, execute=gone)
        assert (report.outcome, report.exit_status) == ("stopped", STOPPED), report
        assert report.cause == "runs/journal.sqlite3: Input/output error"
        assert json.loads(told.read_text())["cause"] == report.cause
        assert (await own.night(first=True)).outcome == "ok"


async def test_what_an_undo_puts_back_stays_undone_until_the_sheet_changes(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        before = own.attributes(0)["reference"]
        own.export(own.of(3))
        first = await own.night(first=True)
        assert (await own.undo(first.run)).exit_status == DONE
        own.export(own.of(3))
        sent = own.sent()
        assert (await own.night()).outcome == "ok"
        assert (own.attributes(0)["reference"], own.sent()) == (before, sent)
        own.export(own.of(3, "b"))
        assert (await own.night()).changed == 3


async def test_a_memory_that_is_lost_is_asked_for_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        await own.night(first=True)
        (tmp_path / "prices.state" / "state.sqlite3").unlink()
        own.export(own.of(3))
        lost = await own.night()
        assert (lost.outcome, lost.exit_status) == ("refused", REFUSED)
        assert "--first" in lost.cause


async def test_another_address_is_another_system(tmp_path: Path) -> None:
    async with desk(tmp_path) as own, desk(tmp_path / "other") as other:
        own.export(own.of(3))
        await own.night(first=True)
        own.also = {"ROWPATCH_URL": other.sandbox.url, "ROWPATCH_TOKEN": other.sandbox.token}
        report = await own.night()
        assert (report.outcome, other.sent()) == ("refused", 0)
        assert "This job has always updated" in report.cause


async def test_two_starts_at_once_are_one_night(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        with holding([of_job(tmp_path / "prices.state", "prices")], 0.0):
            busy = await own.night(first=True)
        assert (busy.outcome, busy.exit_status, own.sent()) == ("busy", BUSY, 0)
        assert "is working on the job prices" in busy.cause


async def test_types_whose_records_may_be_the_same_have_one_lock(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        await own.night(first=True)
        with closing(Memory(tmp_path / "prices.state")) as memory:
            ((fingerprint,),) = memory.select("SELECT fingerprint FROM target")
        own.ordered(recipe=RECIPE.replace(TYPE, "captures"))
        with holding(of_target(tmp_path / "home", fingerprint, "transactions"), 0.0):
            busy = await own.night()
        assert (busy.outcome, busy.exit_status) == ("busy", BUSY)
        assert "is working on transactions of this target" in busy.cause


async def test_a_deadline_ends_a_night_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async with desk(tmp_path, latency=0.01) as own:
        own.ordered('[run]\ndeadline = "02:00"\n')
        own.export(own.of(30))
        report = await own.night(first=True, hours=0.5 - 0.01 / 3600, late_after=3)
        assert (report.outcome, report.exit_status) == ("stopped", STOPPED), report
        assert "deadline" in report.cause
        assert 3 <= own.sent() < 30
        rest = await own.night(first=True)
        assert (rest.run, rest.outcome, own.sent()) == (report.run, "ok", 30)


async def test_nights_that_a_deadline_cuts_one_after_the_other_do_not_fill_the_disk(tmp_path: Path) -> None:
    async with desk(tmp_path, latency=0.01) as own:
        own.ordered('[run]\ndeadline = "02:00"\nkeep = 2\n')
        for mark in "abcd":
            own.export(own.of(30, mark))
            report = await own.night(first=True, hours=0.5 - 0.01 / 3600, late_after=3)
            assert "deadline" in report.cause
        assert own.nights() == [*["superseded"] * 3, "interrupted"]
        assert len(list(own.runs.iterdir())) == 2


async def test_a_job_waits_for_those_it_comes_after(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.recipe.write_text('after = ["skus"]\n' + own.recipe.read_text())
        own.export(own.of(3))
        refused = await own.night(first=True)
        assert (refused.outcome, own.sent()) == ("refused", 0)
        assert "skus has not ended well" in refused.cause
        skus = tmp_path / "skus.state"
        skus.mkdir()
        at = NightReport("skus", "finished", DONE, started=2e9)
        (skus / "last.json").write_text(json.dumps({**at.document(), "last_success": 2e9}))
        assert (await own.night(first=True)).outcome == "ok"
        (tmp_path / "skus.toml").write_text('[run]\nstate = "elsewhere"\n')  # where nothing is
        own.export(own.of(3))
        assert (await own.night()).outcome == "refused"


async def test_a_row_that_fails_night_after_night_is_set_aside_and_comes_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[guards]\ninvalid = "off"\n[quarantine]\nafter = 2\nagain = 3\nmax = "off"\n')

        def rows(bad: str = "nOtThErEaA") -> list[tuple[int | str, str, str]]:
            return [*own.of(20), (bad, "x", "y")]

        own.export(rows())
        outcomes = []
        first = await own.night(first=True)
        outcomes.append((first.outcome, first.quarantined))
        for _ in range(5):
            own.export(rows())
            report = await own.night()
            outcomes.append((report.outcome, report.quarantined))
        assert outcomes == [
            ("partial", 0), ("partial", 0), ("ok", 1), ("ok", 1), ("partial", 0), ("ok", 1),
        ]  # fmt: skip
        own.export([*own.of(20), (21, "x", "y")])
        mended = await own.night()
        assert (mended.outcome, mended.quarantined, mended.changed) == ("ok", 0, 1)


@contextmanager
def opened_and_retried(run: Path) -> Iterator[Retry]:
    with opened(run) as handle:
        yield prepare(handle)


def ended(run: Path | None) -> tuple[str, int | None]:
    """How a run ended by the list of runs."""
    assert run is not None
    (found,) = (each for each in listed(run.parent) if each.directory == run)
    return found.outcome, found.exit_status


async def test_a_night_with_too_many_set_aside_is_partial_in_its_journal_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[guards]\ninvalid = "off"\n[quarantine]\nafter = 1\n')
        for first in (True, False):
            own.export([*own.of(20), ("nOtThErEaA", "x", "y")])
            report = await own.night(first=first)
        assert (report.outcome, report.quarantined, report.causes) == ("partial", 1, ())
        assert report.cause == "1 of 21 rows are set aside, more than `max` of [quarantine] lets pass"
        assert report.next == f"see {report.run}/results.csv"  # failed.csv has none of them
        assert ended(report.run) == ("partial", NOT_ALL)
        assert report.run is not None
        assert json.loads((report.run / "summary.json").read_text())["exit_status"] == NOT_ALL


async def test_a_night_that_could_not_clear_all_is_partial_in_the_list_of_runs_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[rules]\nmissing = "clear"\n')
        own.export(own.of(20))
        await own.night(first=True)
        own.edit(19, metadata={**own.attributes(19)["metadata"], LOCK_KEY: True})
        own.export(own.of(18))
        report = await own.night()
        assert (report.outcome, report.cleared) == ("partial", 1)
        assert report.cause == "some of what is gone could not be cleared"
        assert report.next == f"see {report.run}-gone/failed.ndjson"
        assert ended(report.run) == ("partial", NOT_ALL)


async def test_old_runs_go_and_the_newest_stay(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered("[run]\nkeep = 2\n")
        for number in range(4):
            own.export(own.of(2, f"m{number}"))
            await own.night(first=True)
        assert own.names() == ["prices-2026-12-04", "prices-2026-12-05"]


async def test_nights_are_counted_and_what_came_between_old_ones_goes_with_them(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[rules]\nmissing = "clear"\n[run]\nkeep = 2\n')
        own.export(own.of(12))
        await own.night(first=True, dry_run=True)
        await own.night(days=0, hours=0.5, first=True, execute=interrupted)
        await own.night(days=0, hours=1, first=True)
        assert own.names() == ["prices-2026-12-02-2", "prices-2026-12-02-3"]  # the dry run came before them
        own.export(own.of(11))
        await own.night()
        await own.undo(own.runs / "prices-2026-12-03-gone", "undone")
        assert own.names() == ["prices-2026-12-02-3", "prices-2026-12-03", "prices-2026-12-03-gone", "undone"]
        for _ in range(2):
            own.export(own.of(11))
            await own.night(dry_run=True)
            await own.night(days=0, hours=1)
        assert own.names() == ["prices-2026-12-04-2", "prices-2026-12-05", "prices-2026-12-05-2"]


async def test_somebody_is_told_by_a_command_and_the_metrics_are_written(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        told = tmp_path / "told"
        own.ordered(f'[[notify]]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]\non = ["drift", "recovered"]\n')
        own.also = {"ROWPATCH_METRICS_DIR": str(tmp_path)}
        own.export(own.of(3))
        await own.night(first=True)
        assert not told.exists()
        own.edit(1, reference="by hand")
        own.export(own.of(3))
        await own.night()
        (digest,) = map(json.loads, told.read_text().splitlines())
        assert (digest["occasions"], digest["drifted"], digest["job"]) == (["drift"], 1, "prices")
        metrics = (tmp_path / "rowpatch-prices.prom").read_text()
        assert 'rowpatch_drifted_rows{job="prices"} 1\n' in metrics
        assert 'rowpatch_rows{job="prices",status="unchanged"} 2\n' in metrics


async def test_a_field_that_is_fought_over_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[rules]\ndrift = "overwrite"\n[guards]\noverwritten = "off"\n')
        own.export(own.of(3))
        await own.night(first=True)
        fought = []
        for _ in range(4):
            own.edit(1, reference="by hand")
            own.export(own.of(3))
            report = await own.night()
            assert (report.overwritten, own.attributes(1)["reference"]) == (1, "a-1")
            fought.append(report.fought)
        assert fought == [0, 0, 1, 1]
        assert "1 fought over" in report.line()
        own.edit(1, reference="by hand")
        own.export(own.of(3, "b"))
        assert (await own.night()).fought == 0  # another value of the sheet


BY_REFERENCE = f"""\
source = "exports/*.csv"
type = "{TYPE}"
key = "reference"
[columns]
reference = "REF"
"metadata.note" = "NOTE"
"""


async def test_a_key_that_leads_to_another_record_is_a_conflict(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.recipe.write_text(BY_REFERENCE)
        for number in range(3):
            own.edit(number, reference=f"R{number}")
        own.export([("R0", "a"), ("R1", "b")], "REF,NOTE")
        assert (await own.night(first=True)).exit_status == DONE
        own.edit(1, reference="old")
        own.edit(2, reference="R1")
        own.export([("R0", "a"), ("R1", "c")], "REF,NOTE")
        report = await own.night()
        assert own.results(report.run) == [("unchanged", "as_wanted"), ("conflict", "key_moved")]
        assert "note" not in own.attributes(2)["metadata"]
        own.edit(0, reference="new")  # a key that was corrected on both sides is the same record
        own.export([("new", "z")], "REF,NOTE")
        report = await own.night()
        assert (report.changed, own.attributes(0)["metadata"]["note"]) == (1, "z")


async def test_a_plan_tells_of_fields_that_a_row_leaves_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(3))
        await own.night(first=True)
        own.edit(1, reference="by hand")
        own.export([(0, "a-0", "n0"), (1, "a-1", "new")])
        report = await own.night(dry_run=True)
        assert report.run is not None
        plan = (report.run / "plan.csv").read_text()
        assert 'reference not sent, drifted (sheet ""a-1"", record ""by hand"", last agreed ""a-1"")' in plan


async def test_what_is_gone_is_listed_and_left_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.export(own.of(20))
        await own.night(first=True)
        own.export(own.of(19))
        report = await own.night()
        assert (report.gone, report.cleared, own.sent(), report.exit_status) == (1, 0, 20, DONE)
        assert report.run is not None
        listed = ["type,id,key,since,to_clear", f"{TYPE},{record(19)},,{report.run.name},"]
        assert (report.run / "gone.csv").read_text(encoding="utf-8-sig").splitlines() == listed
        own.export(own.of(20))
        assert (await own.night()).gone == 0


async def test_what_is_gone_is_cleared_where_the_recipe_says_so_and_only_what_the_job_has_set(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[rules]\nmissing = "clear"\n')
        own.export(own.of(20))
        await own.night(first=True)
        own.edit(18, reference="by hand")
        own.export(own.of(18))
        report = await own.night()
        assert (report.gone, report.cleared, report.rows, report.exit_status) == (2, 2, 18, DONE), report
        assert own.attributes(19)["reference"] is None
        assert own.attributes(19)["metadata"] == {"origin": "seed"}  # which the job has never set
        assert (own.attributes(18)["reference"], own.attributes(18)["metadata"]) == ("by hand", {"origin": "seed"})
        sent = own.sent()
        own.export(own.of(18))
        again = await own.night()
        assert (again.gone, again.cleared, again.exit_status, own.sent()) == (2, 0, DONE, sent)
        own.export(own.of(20))
        back = await own.night()
        assert (back.gone, back.changed, own.attributes(19)["reference"]) == (0, 2, "a-19"), back
        assert (back.conflicts, own.attributes(18)["reference"]) == (0, "by hand")


async def test_too_much_that_would_be_cleared_stops_the_night_also_if_it_is_gone_for_long(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[guards]\ngone = "off"\nrows_shrink = "off"\nemptied = "off"\n')
        own.export(own.of(40))
        await own.night(first=True)
        own.export(own.of(20))
        assert (await own.night()).gone == 20
        own.ordered('[rules]\nmissing = "clear"\n')
        own.export(own.of(20))
        sent = own.sent()
        report = await own.night()
        assert (report.outcome, own.sent()) == ("guard", sent)
        assert "20 (" in report.cause
        done = await own.night(days=0, hours=1, approved=report.run)
        assert (done.cleared, done.exit_status) == (20, DONE)
        own.export(own.of(20))
        assert (await own.night()).outcome == "ok"


async def test_a_plan_has_what_is_gone_and_would_be_cleared_and_whoever_does_it_is_told(tmp_path: Path) -> None:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return len(asked) > 1

    async with desk(tmp_path, count=60) as own:
        own.ordered('[rules]\nmissing = "clear"\n[guards]\nrows_shrink = "off"\nemptied = "off"\n')
        own.also = {"ROWPATCH_METRICS_DIR": str(tmp_path)}
        own.export(own.of(50))
        await own.night(first=True)
        own.edit(49, metadata={"origin": "seed"})
        own.export(own.of(30))
        sent = own.sent()
        report = await own.night()
        assert (report.outcome, report.gone, report.to_clear, report.fields_to_clear) == ("guard", 20, 20, 40)
        said = "20 (40%) of 50 known records have no row any more, and their 40 fields would be cleared (limit: 10%)"
        assert report.cause == said
        assert "20 gone, 20 of those to be cleared, 40 fields to be cleared" in report.line()
        assert report.document()["fields_to_clear"] == 40
        assert 'rowpatch_gone_records{job="prices"} 20\n' in (tmp_path / "rowpatch-prices.prom").read_text()
        assert report.run is not None
        head, *lines = (report.run / "gone.csv").read_text(encoding="utf-8-sig").splitlines()
        assert (head, len(lines)) == ("type,id,key,since,to_clear", 20)
        assert lines[0] == f'{TYPE},{record(30)},,{report.run.name},"metadata.note; reference"'
        plan = rewrite(report.run).plan
        assert plan is not None
        assert plan.gone == (20, 40)
        refused = await own.night(days=0, hours=1, approved=report.run, confirm=confirm)
        assert (refused.outcome, own.sent()) == ("refused", sent)
        done = await own.night(days=0, hours=2, approved=report.run, confirm=confirm)
        assert (done.outcome, done.gone, done.cleared, done.to_clear) == ("ok", 20, 20, 0)
        assert asked == ["This will clear 40 fields of 20 records whose rows are gone. Type yes to go on:"] * 2


@pytest.mark.parametrize(("missing", "told"), [("clear", (2, 2, 4)), ("report", (2, 0, 0)), ("ignore", (0, 0, 0))])
async def test_a_dry_run_tells_of_what_is_gone_as_the_night_would(
    tmp_path: Path, missing: str, told: tuple[int, int, int]
) -> None:
    async with desk(tmp_path) as own:
        own.ordered(f'[rules]\nmissing = "{missing}"\n')
        own.export(own.of(20))
        await own.night(first=True)
        own.export(own.of(18))
        dry = await own.night(dry_run=True)
        assert (dry.outcome, dry.gone, dry.to_clear, dry.fields_to_clear) == ("ok", *told)
        assert dry.run is not None
        assert (dry.run / "gone.csv").exists() == (missing != "ignore")
        night = await own.night(days=0, hours=1)
        assert (night.gone, night.cleared) == told[:2]


async def test_nothing_is_cleared_in_a_night_with_a_key_that_cannot_be_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered('[rules]\nmissing = "clear"\n')
        own.export(own.of(20))
        await own.night(first=True)
        own.export([*own.of(19), ("", "x", "y")])
        report = await own.night()
        assert (report.gone, report.cleared, own.sent()) == (0, 0, 20)
        assert report.run is not None
        assert not (report.run / "gone.csv").exists()


async def test_private_values_are_in_no_report(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.recipe.write_text(
            own.recipe.read_text().replace('= "NOTE"', '= { column = "NOTE", private = true }')
            + f'[[notify]]\ncommand = ["/bin/sh", "-c", "cat >> {tmp_path}/told"]\n'
        )
        own.export([(n, f"a-{n}", f"secret-{n}") for n in range(3)])
        await own.night(first=True)
        own.edit(1, metadata={"note": "hidden"})
        own.export([(0, "a-0", "secret-new"), (1, "a-1", "secret-1"), (2, "a-2", "secret-both")])
        own.edit(2, metadata={"note": "hidden"})
        report = await own.night()
        assert (report.changed, report.drifted, report.conflicts) == (1, 1, 1)
        assert report.run is not None
        for name in ("plan.csv", "plan.ndjson", "summary.json", "results.csv", "results.ndjson"):
            text = (report.run / name).read_text()
            assert "secret" not in text
            assert "hidden" not in text
        messages = [
            each["message"] for each in map(json.loads, (report.run / "results.ndjson").read_text().splitlines())
        ]
        assert messages[1:] == ["metadata.note not sent, drifted", "metadata.note not sent, both changed"]
        assert "secret" not in (tmp_path / "told").read_text() + report.line()
        assert b"secret" not in (tmp_path / "prices.state" / "state.sqlite3").read_bytes()


async def test_a_sheet_that_lost_its_header_is_refused_without_its_words(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        told = tmp_path / "told"
        own.ordered(f'[[notify]]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]\n')
        own.export(own.of(5))
        await own.night(first=True)
        own.export([(1, "a-1", "n1")], header=f"{record(0)},Zq7,NOTE")
        report = await own.night()
        assert (report.outcome, report.exit_status) == ("refused", REFUSED)
        assert report.cause == "the sheet lacks 2 of the 3 columns that the recipe names: `SHOP_ID`, `REF`"
        assert report.next == f"rowpatch check --recipe {own.recipe}"
        assert "Zq7" not in told.read_text() + report.line()
        named = own.export([(1, "a-1", "n1")], header="x,Zq7,y")
        assert (await own.night(source=named)).next == f"rowpatch check {named} --recipe {own.recipe}"


async def test_records_are_read_once_in_so_many_nights_unless_their_rows_change(tmp_path: Path) -> None:
    async with desk(tmp_path) as own:
        own.ordered("[rules]\nreread = 4\n")
        own.export(own.of(40))
        await own.night(first=True)
        seen: list[set[int]] = []
        for _ in range(4):
            own.export(own.of(40))
            report = await own.night()
            assert (report.outcome, report.rows, report.changed) == ("ok", 40, 0)
            reasons = [reason for _, reason in own.results(report.run)]
            seen.append({number for number, reason in enumerate(reasons) if reason == "as_wanted"})
            assert 0 < len(seen[-1]) < 40
        assert set().union(*seen) == set(range(40))
        own.edit(7, reference="by hand")
        own.export(own.of(40, but={8: "new"}))
        report = await own.night()
        assert (report.changed, own.attributes(8)["reference"]) == (1, "new")
        drifted = report.drifted
        for _ in range(3):
            own.export(own.of(40, but={8: "new"}))
            drifted = max(drifted, (await own.night()).drifted)
        assert drifted == 1
        own.export(own.of(40, but={8: "new"}))
        assert (await own.night()).drifted == 1  # what stands out is read every night
