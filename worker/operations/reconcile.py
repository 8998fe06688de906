"""A night of a job: what the sheet says, what both sides last agreed on, and what is there now are made to agree.

The night is a plan first. Its guards look at that; then exactly the plan is done, and the memory learns from the
journal. Blocks the event loop while it reads and writes files: a night has a process, or a thread, to itself.
"""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from jobs.formats import InputRefused
from jobs.model import Status
from jobs.values import valueclass
from worker.engine.run import RunEnd
from worker.exit_statuses import BUSY, DONE, NOT_ALL, REFUSED, STOPPED
from worker.files import night_facts, retention, run_directory, source
from worker.files.locks import holding
from worker.files.run_directory import JOURNAL, Busy
from worker.files.runs import HOME, listed
from worker.journal import PLAN, History, Journal, JournalError
from worker.notices.report import Cause, NightReport, NightState
from worker.operations import apis, opening, recipes, runs
from worker.operations.nights import gone, judging
from worker.operations.nights.deciding import Aside, Deciding, field_rules
from worker.operations.nights.folding import fold_others, folded, set_aside, surveyed
from worker.operations.nights.job import Job, state_beside, understood
from worker.operations.nights.survey import Survey, named, survey
from worker.operations.nights.telling import last_night, tell
from worker.operations.opening import Adjust, RunHandle, unchanged
from worker.operations.runs import Access, Host, RunMode
from worker.policy.deadline import deadline_after
from worker.policy.night_guards import NightGuards, Trip, base_of
from worker.policy.night_guards import after as after_reading
from worker.policy.night_guards import before as before_reading
from worker.policy.quarantine import TROUBLED, Quarantine, is_too_many
from worker.reconcile import Folded, Memory, MemoryMissing, Night, Target
from worker.reconcile.gone import NamedRecords
from worker.settings import ConfigError, Settings


@valueclass(frozen=True, slots=True)
class Asked:
    """What is asked of a night.

    Attributes:
        source: the sheet; None for the newest that the recipe names.
        first: there is no memory yet, or it is lost: what measures change guards nothing.
        dry_run: plan, and change nothing, the memory neither.
        approved: directory of a night that a guard stopped, to be done all the same.
        confirm: asks somebody whether a first night, or an approved one, may do what it would; None where nobody can be
            asked.
        warn: takes what is to be said meanwhile.
        adjust: changes the settings that the recipe says, but not what rows mean.
    """

    source: Path | None = None
    first: bool = False
    dry_run: bool = False
    approved: Path | None = None
    confirm: Callable[[str], bool] | None = None
    warn: Callable[[str], None] = lambda _: None
    adjust: Adjust = unchanged


async def reconcile(
    recipe: Path, asked: Asked, environment: Mapping[str, str], host: Host, home: Path = HOME
) -> NightReport:
    """Do a night of a job, and tell whom its recipe says.

    Args:
        recipe: file of the job's recipe.
        asked: what is asked of the night.
        environment: with the credential, unless the recipe says where it is.
        host: what this process brings along.
        home: where the runs of nights lie.

    Returns:
        How it ended, whatever that is.
    """
    clock = host.clock
    began = clock.wall()
    chosen = None
    job: Job | None = None
    try:
        chosen = recipes.chosen(recipe)
        if said := recipes.overruled(chosen.recipe.credentials, environment):
            asked.warn(f"{chosen.name}: {said}")
        job = understood(chosen, environment)
        locks = [job.lock] if job.state.is_dir() else []  # see `_Night.is_held`
        with holding(locks, began):
            report = await _Night(job, asked, home, host, began, is_held=bool(locks)).run()
    except Busy as error:
        report = _ended(chosen, recipe, "busy", BUSY, str(error))
    except InputRefused as error:  # a cause is told to others, who are shown no words of the sheet
        report = replace(_ended(chosen, recipe, "refused", REFUSED, error.outline), next=_check(recipe, asked.source))
    except (ConfigError, MemoryMissing) as error:
        report = _ended(chosen, recipe, "refused", REFUSED, str(error))
    except JournalError as error:
        report = _ended(chosen, recipe, "stopped", STOPPED, str(error))
    except OSError as error:  # such as a disk that went away: a night that nobody watches has to say so
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        report = _ended(chosen, recipe, "stopped", STOPPED, what)
    report = replace(report, started=began, seconds=clock.wall() - began)
    if job is not None and not asked.dry_run:
        await tell(job, report, environment, host.observer)
    return report


def _ended(chosen: recipes.Chosen | None, recipe: Path, state: NightState, exit_status: int, cause: str) -> NightReport:
    return NightReport(chosen.name if chosen else recipe.stem, state, exit_status, cause=cause)


def _check(recipe: Path, source: Path | None) -> str:
    """Return the command that shows what is wrong with the sheet of a night."""
    return shlex.join(["rowpatch", "check", *([str(source)] if source else []), "--recipe", str(recipe)])


@valueclass(frozen=True, slots=True)
class _Left:
    """Who is gone by the source of a night: as it is told, and as the guards compare it.

    Attributes:
        missing: records without a row that count tonight. `known`: all that could be missing.
    """

    listed: gone.Gone = field(default_factory=gone.Gone)
    missing: int = 0
    known: int = 0


@dataclass(slots=True)
class _Night:
    """One night.

    Attributes:
        is_held: this process holds the job. It does not while there is no folder for the memory: one that is made
            before there is a memory would be in the way of one that is put back.
    """

    job: Job
    asked: Asked
    home: Path
    host: Host
    began: float
    is_held: bool

    async def run(self) -> NightReport:
        job = self.job
        self._refuse_before_others()
        path = self._source()
        settings = self.asked.adjust(job.settings(path))
        secrets, api = job.secrets, job.api
        access = runs.token_at_hand(api, settings, secrets) or await runs.first_token(api, settings, secrets, self.host)
        settings, _ = apis.located(settings, api, access.secrets.url)
        if access.lost:
            report = self._report("stopped", STOPPED, cause=f"authorisation_lost: {access.lost}")
            return replace(report, next=self._again)
        with self._memory() as memory:
            target = self._target(settings, access)
            (number,) = memory.bind([target])
            with holding(job.locks(self.host.state_directory, target, settings), self.began):
                deciding = self._deciding(memory, number, settings)
                return await self._held(deciding, path, settings, access)

    async def _held(self, deciding: Deciding, path: Path, settings: Settings, access: Access) -> NightReport:
        """Do the night; this process holds job and target, and the memory is open."""
        memory = deciding.memory
        going_on = None
        if not self.asked.dry_run:
            going_on = self._settle_earlier(deciding, path)
            fold_others(deciding, self.job.chosen.path, self.home)
        if self.asked.approved is not None:
            return await self._do(deciding, self._approved(memory), access, RunMode("apply", plan="keep"))
        self._refuse_older(memory, path)
        if going_on is not None:
            mode = RunMode("resume", resumed=True)
            return await self._do(deciding, going_on, access, mode)
        return await self._plan(deciding, path, settings, access)

    async def _plan(self, deciding: Deciding, path: Path, settings: Settings, access: Access) -> NightReport:
        """Plan the night, look at its guards, and do it."""
        memory, job, asked = deciding.memory, self.job, self.asked
        directory = retention.directory_of_night(self.home, job.name, self._today)
        observer = self.host.observer
        with opening.begun(directory, settings, asked.warn, None, job.api, job.chosen, observer) as handle:
            settings = handle.settings
            copy = source.spooled_in(directory, settings.input.format)
            found = survey(copy, settings, handle.api.schema)
            if found.unfit:
                raise ConfigError(f"{path}: {found.unfit}.")
            left = self._gone(deciding, found, copy, settings, directory)
            trips = self._before(memory, found, left)
            handle.journal.set_fact(night_facts.TO_CLEAR, json.dumps([left.listed.to_clear, left.listed.fields]))
            deciding = deciding.over(found)
            planned = runs.to_send(handle, RunMode("plan", plan="make"), access)
            self._refuse_live(planned.mode, is_harmless=runs.to_send(handle, RunMode("apply"), access).is_harmless)
            serial = 0
            if asked.dry_run:
                handle.journal.set_fact(night_facts.DRY_RUN, "yes")
            else:
                serial = memory.nights.begin(self._night(directory, path, handle, found))
                handle.journal.set_fact(night_facts.NIGHT, str(serial))
            mode = RunMode("plan", plan="make", night=deciding.nightly(self._deadline))
            end = await self._execute(handle, mode, access)
            guards = self._guards(memory)
            counted = judging.planned(handle.journal, handle.api.schema, guards, found.invalid)
            if end.state != "planned":
                report = self._unfinished(memory, serial, end, directory)
                return self._counted(report, counted.padded(handle.rows), left.listed)
            trips = (*trips, *after_reading(counted.facts, guards))
            cause = "; ".join(trip.message for trip in trips)
            if trips:
                runs.record_end(handle, replace(end, exit_status=STOPPED, message=cause), self.host.clock)
        if asked.dry_run:
            said = f"a guard would stop it: {cause}" if trips else ""
            exit_status = STOPPED if trips else end.exit_status
            return self._counted(self._report("planned", exit_status, cause=said, run=directory), counted, left.listed)
        if trips:
            memory.nights.end(serial, "tripped", {}, STOPPED)
            report = self._report("tripped", STOPPED, cause=cause, run=directory)
            return replace(self._counted(report, counted, left.listed), next=f"rowpatch apply --plan {directory}")
        if not memory.nights.accepted(1):
            self._ask("The first night will", counted.changed, left.listed)
        return await self._do(deciding, directory, access, RunMode("apply", plan="keep"))

    async def _do(self, deciding: Deciding, directory: Path, access: Access, mode: RunMode) -> NightReport:
        """Do what a night's plan says, or what is left of it, and let the memory learn from it."""
        memory = deciding.memory
        opened = opening.opened_plan if mode.plan == "keep" else opening.opened_to_resume
        with opened(directory, self.asked.adjust, nightly=True) as handle:
            if not deciding.survey.rows:  # else this process has just planned it
                deciding = surveyed(directory, handle.settings, deciding)
            serial = int(handle.journal.facts[night_facts.NIGHT])
            if self.asked.approved is not None:
                sent = sum(each.status is Status.PENDING for each in handle.journal.planned())
                self._ask("This will", sent, gone.Gone(0, *night_facts.to_clear(handle.journal.facts)))
                memory.nights.end(serial, "running", {judging.APPROVED: 1}, STOPPED)
            turns = deciding.turns(handle.journal, handle.rows)
            end = await self._execute(handle, replace(mode, night=deciding.nightly(self._deadline, turns)), access)
            settings = handle.settings
        is_done = end.state == "finished"
        learned = folded(deciding, directory, serial, settings, is_whole=is_done and deciding.survey.is_whole)
        set_aside(memory, serial, self._quarantine)
        report = self._report_of(deciding, end, directory, serial, learned)
        if learned is not None and learned.gone is not None and self.job.rules.missing != "ignore":
            records, is_clearing = memory.gone_records(deciding.target), self.job.rules.missing == "clear"
            gone.write_list(directory, deciding, records, settings.target.type, is_clearing=is_clearing)
            if is_clearing:
                report = await self._clear_gone(deciding, directory, settings, access, report)
        counts = {**judging.numbers(deciding.survey), **judging.approval(memory.nights.get(serial))}
        memory.nights.end(serial, "accepted" if is_done else "interrupted", counts, report.exit_status)
        self._tidy(memory)
        return report

    async def _clear_gone(
        self, deciding: Deciding, night: Path, settings: Settings, access: Access, report: NightReport
    ) -> NightReport:
        """Clear what the job has set in records whose row is gone, by a run of its own; return the night's report."""
        memory, job = deciding.memory, self.job
        records = ((each[0], each[1]) for each in memory.gone_records(deciding.target))
        text, rows = gone.spooled(deciding, records, settings.target.type)
        with text:
            if not rows:
                return report
            directory = gone.directory_of(night)
            settings = gone.settings_of(settings, f"gone since {night.name}", job.api.schema)
            with opening.begun(directory, settings, self.asked.warn, text, job.api, job.chosen) as handle:
                for fact in (night_facts.NIGHT, night_facts.GONE):
                    handle.journal.set_fact(fact, night.name)
                end = await self._execute(
                    handle, RunMode("apply", night=gone.nightly(deciding, self._deadline)), access
                )
        fold_others(deciding, job.chosen.path, self.home)
        with closing(History(directory / JOURNAL)) as history:
            cleared, went_well = gone.ended(history)
        report = replace(report, cleared=cleared)
        if end.state == "finished" and went_well:
            return report
        return self._spoiled(report, end, night, directory)

    def _spoiled(self, report: NightReport, end: RunEnd, night: Path, clearing: Path) -> NightReport:
        """Return the report of a night that did not clear all that is gone; its journal is to say so, too."""
        is_done = end.state == "finished"
        exit_status = max(report.exit_status, NOT_ALL) if is_done else end.exit_status
        cause = end.message.partition("\n")[0] or "some of what is gone could not be cleared"
        following = f"see {clearing}/{end.summary.failed_name}" if is_done and end.summary else self._again
        with run_directory.locked(night), closing(Journal(night / JOURNAL)) as journal:
            journal.set_fact(night_facts.EXIT_STATUS, str(exit_status))
        report = replace(report, cause=report.cause or cause, next=report.next or following)
        return replace(report, exit_status=exit_status)

    # ---- parts

    def _source(self) -> Path:
        """Return tonight's sheet: that of the night that is approved, the one that was named, or the newest.

        Raises:
            ConfigError: there is none, or it is no file.
        """
        approved = self.asked.approved
        if approved is not None:
            with closing(History(run_directory.journal_in(approved))) as history:
                return source.spooled_in(approved, opening.stored_settings(history)[0].input.format)
        named = self.asked.source
        if named is not None and not named.is_file():  # it is read more than once
            raise ConfigError(f"Cannot read {named}: it is {'no file' if named.exists() else 'not there'}.")
        return named or recipes.source_of(self.job.chosen, self.began)

    async def _execute(self, handle: RunHandle, mode: RunMode, access: Access) -> RunEnd:
        runs.register(handle, mode, access, self.host.clock)
        end = await self.host.execute(runs.run_of(handle, mode, access, self.host))
        return runs.finish(handle, mode, self._judged(handle, end), self.host.clock, self.host.observer)

    def _judged(self, handle: RunHandle, end: RunEnd) -> RunEnd:
        """Return how a run ended, by the rules of the job: its journal is to say so, too."""
        if end.state != "finished" or end.exit_status != DONE:
            return end
        aside = judging.with_reason(handle.journal, "quarantined")
        if not is_too_many(aside, handle.rows, self._quarantine):
            return end
        said = f"{aside:,} of {handle.rows:,} rows are set aside, more than `max` of [quarantine] lets pass"
        return replace(end, exit_status=NOT_ALL, message=said)

    @contextmanager
    def _memory(self) -> Iterator[Memory]:
        """Open the memory of the job; make it if this is the first night, and that was said.

        Raises:
            ConfigError: there is none, and nobody said that this is the first night.
        """
        asked = self.asked
        with ExitStack() as stack:
            if asked.first and not (asked.dry_run or self.is_held):
                stack.enter_context(holding([self.job.lock], self.began))
            memory = stack.enter_context(closing(self._opened()))
            if not (asked.first or asked.approved or memory.nights.accepted(1)):  # a first night is approved like any
                raise ConfigError(f"No night of {self.job.name} was accepted yet: pass --first again.")
            yield memory

    def _opened(self) -> Memory:
        state = self.job.state
        try:
            return Memory(state)
        except MemoryMissing:
            if not self.asked.first:
                raise ConfigError(
                    f"{self.job.name} has no memory in {state}: this is its first night, or the memory is lost. Pass"
                    " --first to begin: it changes whatever differs from the sheet. See it first: --first --dry-run"
                ) from None
            return Memory.passing() if self.asked.dry_run else Memory.create(state)

    def _target(self, settings: Settings, access: Access) -> Target:
        token = access.secrets.token
        claims = self.job.api.auth.claims(token.get_secret_value()) if token else None
        account, mode = (claims.url, claims.mode) if claims else ("", "")
        return Target(settings.target.api, settings.target.url, account, mode)

    def _deciding(self, memory: Memory, target: int, settings: Settings) -> Deciding:
        job, nights = self.job, memory.nights.all()
        schema = job.api.schema
        terms = source.terms(settings.input, schema)
        rules = field_rules(
            job.chosen.recipe, job.rules, source.rules(settings.input, settings.target.type, schema), memory.seal
        )
        aside = Aside(
            {(each.type, each.ident): each for each in memory.troubles() if each.aside is not None},
            job.recipe_digest,
            {night.serial: night.recipe_sha for night in nights},
            {night.serial: datetime.fromtimestamp(night.started).date() for night in nights},  # noqa: DTZ006  # local dates are meant
            self._today,
            self._quarantine,
        )
        return Deciding(memory, target, terms, rules, Survey(), aside, job.rules.reread)

    def _settle_earlier(self, deciding: Deciding, path: Path) -> Path | None:
        """Take in what killed and stopped nights have done.

        Returns:
            The directory of the one with which tonight simply goes on: the newest, if it was about the same source.
        """
        memory, going_on = deciding.memory, None
        digest = bytes.fromhex(source.sha256(path))
        for night in memory.nights.all():
            directory = self.home / night.run
            if night.state not in {"running", "interrupted"} or not (directory / JOURNAL).is_file():
                continue
            with closing(History(directory / JOURNAL)) as history:
                settings, _ = opening.stored_settings(history)
                was_begun = history.facts.get(PLAN) == "kept"
            same = night.source_sha == digest and night.recipe_sha == self.job.recipe_digest
            if was_begun:
                folded(surveyed(directory, settings, deciding), directory, night.serial, settings, is_whole=False)
            going_on = directory if same and was_begun and self.asked.approved is None else None
            if going_on is None:
                memory.nights.end(night.serial, "superseded", night.counts, night.exit or STOPPED)
        return going_on

    def _gone(self, deciding: Deciding, found: Survey, copy: Path, settings: Settings, directory: Path) -> "_Left":
        """Return who is gone, before the memory learns of it, and list them beside the plan."""
        memory, target = deciding.memory, deciding.target
        if self.job.rules.missing == "ignore":
            return _Left()
        if not found.is_whole:  # nobody is gone since, and nobody is cleared
            return _Left(gone.Gone(memory.gone(target)))
        records = NamedRecords(memory.db, deciding.terms.schema)
        records.note(named(copy, settings, deciding.terms.schema))
        is_clearing, kind = self.job.rules.missing == "clear", settings.target.type
        listed = gone.write_list(directory, deciding, records.missing(target), kind, is_clearing=is_clearing)
        missing, known = records.count(target)
        if is_clearing:  # since whenever their rows are gone: the recipe may say so for the first time
            missing, known = listed.to_clear, max(listed.to_clear, known)
        return _Left(listed, missing, known)

    def _before(self, memory: Memory, found: Survey, left: "_Left") -> tuple[Trip, ...]:
        """Return what stops the night before anything is read."""
        nights = memory.nights.accepted()
        left = left if nights else _Left()
        last = nights[0] if nights else None
        facts = judging.source_facts(found, last, left.missing, left.known, left.listed.fields)
        return before_reading(facts, base_of(judging.accepted(nights)), self._guards(memory))

    def _guards(self, memory: Memory) -> NightGuards:
        guards = judging.guards_of(self.job.guards)
        return guards.at_first() if self.asked.first or not memory.nights.accepted(1) else guards

    def _refuse_before_others(self) -> None:
        """Check that the jobs that must have ended well since the last night of this one have.

        A night that is approved was planned when they had.

        Raises:
            ConfigError: one has not.
        """
        if self.asked.approved is not None:
            return
        mine = last_night(self.job.state)
        since = mine.started if mine else 0.0
        for name in self.job.chosen.recipe.after:
            other = last_night(state_beside(self.job.chosen, name))
            if other is None or other.exit_status not in {DONE, NOT_ALL} or other.started < since:
                raise ConfigError(f"{name} has not ended well since the last night of {self.job.name}: run it first.")

    def _refuse_older(self, memory: Memory, path: Path) -> None:
        """Check that the source is not older than that of the last accepted night: then the export did not run.

        Raises:
            ConfigError: it is.
        """
        last = next(iter(memory.nights.accepted(1)), None)
        at = path.stat().st_mtime
        if last is not None and last.source_at is not None and at < last.source_at and self.asked.source is None:
            raise ConfigError(f"{path} is older than the source of the last night: the export did not run.")

    def _refuse_live(self, mode: str, *, is_harmless: bool) -> None:
        """Check that somebody said that live data may be changed: a night cannot ask.

        Raises:
            ConfigError: nobody has.
        """
        has_modes = self.job.api.auth.tells_mode
        if is_harmless or not has_modes or self.job.guards.mode or self.asked.dry_run:
            return
        raise ConfigError(
            f'The credential is for {mode or "live"} data: write mode = "live" under [guards] of'
            f" {self.job.chosen.path}, which stands for --yes."
        )

    def _ask(self, who: str, changed: int, left: gone.Gone) -> None:
        """Ask whether a night may do what it would, where somebody can be asked; not if it would do nothing.

        Raises:
            ConfigError: it may not.
        """
        what = " and ".join(filter(None, [f"change {changed:,} records" if changed else "", left.words]))
        if what and self.asked.confirm and not self.asked.confirm(f"{who} {what}. Type yes to go on:"):
            raise ConfigError("Not confirmed; nothing was sent.")

    def _approved(self, memory: Memory) -> Path:
        """Return the directory of a tripped night that is to be done all the same.

        Raises:
            ConfigError: a later night was accepted, so that it is stale.
        """
        directory = self.asked.approved
        assert directory is not None  # noqa: S101  # asked by the caller
        night = next((each for each in memory.nights.all() if each.run == directory.name), None)
        if night is None:
            raise ConfigError(f"{directory} is no night of {self.job.name}.")
        if night.state != "tripped":
            raise ConfigError(f"{directory} is no night that a guard has stopped: it is {night.state}.")
        if any(later.serial > night.serial for later in memory.nights.accepted(1)):
            raise ConfigError(f"{directory} is stale: a later night was accepted. Run the job again.")
        return directory

    def _night(self, directory: Path, path: Path, handle: RunHandle, found: Survey) -> Night:
        return Night(
            directory.name, self.began, str(path), "running", path.stat().st_mtime,
            bytes.fromhex(handle.journal.facts["sha256"]), self.job.recipe_digest, judging.numbers(found),
        )  # fmt: skip

    def _unfinished(self, memory: Memory, serial: int, end: RunEnd, directory: Path) -> NightReport:
        if serial:
            memory.nights.end(serial, "superseded", {}, end.exit_status)
        state: NightState = "interrupted" if end.state == "interrupted" else "stopped"
        report = self._report(state, end.exit_status, cause=end.message.partition("\n")[0], run=directory)
        return replace(report, next=self._again)

    def _counted(self, report: NightReport, counted: judging.Planned, left: gone.Gone) -> NightReport:
        told = counted.told
        return replace(
            report, counts=dict(counted.counts), changed=counted.changed, drifted=told["drifted"], kept=told["kept"],
            conflicts=told["both_changed"], overwritten=told["overwritten"], gone=left.records,
            to_clear=left.to_clear, fields_to_clear=left.fields,
        )  # fmt: skip

    def _report_of(
        self, deciding: Deciding, end: RunEnd, directory: Path, serial: int, learned: Folded | None
    ) -> NightReport:
        """Return how a night ended that sent, or was to."""
        job, summary = self.job, end.summary
        state: NightState = "finished" if end.state == "finished" else "stopped"
        state = "interrupted" if end.state == "interrupted" else state
        report = self._report(state, end.exit_status, cause=end.message.partition("\n")[0], run=directory)
        if summary is None:
            return report
        with closing(History(directory / JOURNAL)) as history:
            told = judging.told_in(history)
            aside = judging.with_reason(history, "quarantined")
            share = judging.quota_share(history)
        causes = tuple(Cause(each.status, each.reason, each.fields, each.count) for each in summary.groups)
        going_on = self._again if state != "finished" else ""
        table = summary.failed_name if summary.groups else "results.csv"  # who is set aside did not fail
        failed = f"see {directory}/{table}" if end.exit_status == NOT_ALL else ""
        return replace(
            report,
            counts=dict(summary.counts),
            changed=summary.counts.get(Status.APPLIED, 0),
            drifted=told["drifted"],
            kept=told["kept"],
            conflicts=told["both_changed"],
            overwritten=told["overwritten"],
            fought=deciding.memory.fought_over(serial),
            quarantined=aside,
            recovered=sum(each.status in TROUBLED for each in learned.healed) if learned else 0,
            gone=0 if job.rules.missing == "ignore" else deciding.memory.gone(deciding.target),
            stored_otherwise=told["differs"],
            refused=summary.refused_429,
            quota_share=share,
            longest_gap=summary.longest_gap_s,
            causes=causes,
            next=going_on or failed,
        )

    def _report(self, state: NightState, exit_status: int, *, cause: str = "", run: Path | None = None) -> NightReport:
        return NightReport(self.job.name, state, exit_status, run, cause=cause)

    def _tidy(self, memory: Memory) -> None:
        """Delete the runs of nights that are older than the recipe keeps, and what came between those."""
        nights = memory.nights.all()
        kept = [
            retention.KeptRun(
                self.home / night.run,
                night.serial,
                night.state == "accepted",
                night.state not in {"running", "interrupted"},
                bool(night.folded) or night.state in {"tripped", "superseded"},
                is_night=night.state not in {"partial", "undo"},
            )
            for night in nights
            if (self.home / night.run).is_dir()
        ]
        known = {night.run for night in nights}
        for each in listed(self.home, self.job.name):
            if each.part == "dry run" and each.directory.name not in known:
                before = max((night.serial for night in nights if night.started < each.at), default=0)
                kept.append(retention.KeptRun(each.directory, before, is_accepted=False, is_night=False))
        for old in retention.removable(kept, self.job.run.keep):
            with suppress(Busy, ConfigError, OSError):
                retention.remove(old.directory)

    @property
    def _again(self) -> str:
        """The command that does the night again, or goes on with it."""
        asked = {"--first": self.asked.first, "--dry-run": self.asked.dry_run}
        return shlex.join(
            ["rowpatch", "reconcile", str(self.job.chosen.path), *(flag for flag in asked if asked[flag])]
        )

    @property
    def _quarantine(self) -> Quarantine:
        return judging.quarantine_of(self.job.quarantine)

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.began).date()  # noqa: DTZ006  # the local date is meant

    @property
    def _deadline(self) -> float | None:
        at = self.job.run.deadline
        return None if at is None else deadline_after(self.began, at)
