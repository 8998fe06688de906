"""Test a description on one record: read it, try writes, put back what they changed. It is a run of its own.

What is tried and what it shows is decided by `policy.probing`, and sent by `engine.prober`.
"""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from jobs.apis.api import Api
from jobs.apis.described.api import DescribedApi
from jobs.apis.description import keys
from jobs.apis.description.types import resource_of
from jobs.apis.limits import OTHERS
from jobs.apis.meanings import Meaning
from jobs.apis.schema import closest
from jobs.changes.inverse import Written, restoring
from jobs.columns import keys_of
from jobs.model import JSON, Absent, Edit, NotSent, Reply, Request, RowRef, Unread, Unsendable
from jobs.printable import printable
from jobs.toml.writing import as_toml, unknowns
from jobs.values import valueclass
from worker.engine.prober import Ask, Prober
from worker.engine.run import RunEnd
from worker.exit_statuses import DONE, NOT_ALL, STOPPED
from worker.files import run_directory, source
from worker.files.atomic import replacing
from worker.files.run_directory import JOURNAL
from worker.journal import Counters, create
from worker.lane.connect import Connection, LaneSettings, connected
from worker.lane.pages import NoAnswer
from worker.operations import apis, runs
from worker.operations.opening import RunHandle, new_directory
from worker.operations.runs import Access, Host, RunMode
from worker.policy.probing import survey
from worker.policy.probing.choice import Unfit, field_and_value, plain_field, refuse_known, refuse_unfit
from worker.policy.probing.facts import Fact, contradictions
from worker.policy.probing.noting import hints_of, noted, tried_in
from worker.policy.probing.plan import PlannedRow, Wanted, planned
from worker.policy.probing.steps import Answered
from worker.policy.probing.subject import Reading, Subject
from worker.policy.probing.trials import Conversation, conversation
from worker.policy.ratelimit import reader_of
from worker.reports.formats import json_lines
from worker.settings import ConfigError, Input, Settings
from worker.stop import Stop

MODE: Final = RunMode("probe")
"""What a process does that probes."""

RECORD: Final = "record.json"
"""Name of the file that holds the record as it was, in the run directory."""


@valueclass(frozen=True, slots=True)
class Tried:
    """What the user wants tried: names and texts as they were given; empty for nothing."""

    field: str = ""
    value: str | None = None
    unknown: str = ""


@valueclass(frozen=True, slots=True)
class Surveyed:
    """What the reads of a probe found, before anything is written.

    Attributes:
        subject: the record, by a description that is right about where replies hold it.
        reading: None where the record cannot be read: nothing more can be tried.
        headers: of the replies.
        stopped: why no answer came; empty when one did.
    """

    subject: Subject
    reading: Reading | None
    facts: tuple[Fact, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    stopped: str = ""


@valueclass(frozen=True, slots=True)
class Probed:
    """What a probe came to.

    Attributes:
        facts: with that about limits.
        end: how its process ended.
        left: something could not be put back.
        wrote: a run directory is kept, since something was sent.
        complete: everything that was wanted was tried.
    """

    facts: tuple[Fact, ...]
    end: RunEnd
    left: bool = False
    wrote: bool = False
    complete: bool = False

    @property
    def exit_status(self) -> int:
        """The exit status of the command."""
        if self.end.exit_status != DONE:
            return self.end.exit_status
        return STOPPED if self.left else NOT_ALL if contradictions(self.facts) else DONE


# ---- which record


def type_of(api: Api, name: str) -> tuple[DescribedApi, str]:
    """Return the API and the type of a record, if its description can be tested.

    Raises:
        ConfigError: it is code, it has no such type, or the type cannot be read.
    """
    if not isinstance(api, DescribedApi) or api.description.code:
        raise ConfigError(f"{api.name} has code of its own: a probe tests a description alone. Pass --api FILE.toml")
    types = api.description.resources
    if not name and len(types) == 1 and OTHERS not in types:
        name = next(iter(types))
    described = resource_of(api.description, name)
    if described is None:
        near = closest(name, types)
        there = "any of letters, digits, _, - and . will do." if OTHERS in types else f"there are {', '.join(types)}."
        hint = f"did you mean {near}?" if near else there
        raise ConfigError(f"--type {name}: {hint}" if name else f"Which type of records? Pass --type: {hint}")
    if described.read is False:
        raise ConfigError(f"{name} cannot be read one by one: a probe compares what a record was with what it is.")
    return api, name


def key_given(api: DescribedApi, type_name: str) -> str:
    """Return the key that variables name.

    Raises:
        ConfigError: one of its parts has no value.
    """
    names = api.schema.keys(type_name)
    missing = [name for name in names if not api.constants.get(name)]
    if missing:
        flags = " ".join(f"--set {name}=..." for name in missing)
        raise ConfigError(f"Which record? Name a sheet, whose first row is taken, or pass {flags}")
    return keys.key_of([api.constants[name] for name in names])


def key_in_sheet(path: Path, how: Input, type_name: str, api: DescribedApi) -> str:
    """Return the key of the record that the first row of a sheet names. Blocks.

    Raises:
        ConfigError: the sheet has no row, or the row names no record by its key.
        InputRefused: it cannot be read.
    """
    try:
        how = source.resolve_options(path, how, keys_of(type_name, api.schema))
        with source.opened(path) as stream:
            row = next(source.jobs(stream, how, type_name, api.schema, lambda number: number == 1), None)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from None
    if row is None:
        raise ConfigError(f"{path} has no row.")
    if isinstance(row, Unsendable):
        raise ConfigError(f"The first row of {path} names no record: {row.message or row.reason}.")
    if not row.id:
        raise ConfigError(f"The first row of {path} names its record by another field: pass --set with its key.")
    return row.id


# ---- reading


@asynccontextmanager
async def _lane(
    api: Api, settings: Settings, access: Access, host: Host, counters: Counters
) -> AsyncIterator[Connection]:
    clock = host.clock.bound()
    lane = LaneSettings(
        api, settings, access.secrets, host.state_directory, counters, clock, Stop(), observer=host.observer
    )
    async with connected(lane) as connection:
        yield connection


async def survey_record(subject: Subject, settings: Settings, access: Access, host: Host) -> Surveyed:
    """Read the record, by itself and by reading many where that is described; nothing is written.

    Raises:
        ConfigError: the servers cannot be reached in the way the settings say.
    """
    async with _lane(subject.api, settings, access, host, Counters()) as connection:
        answered = await _asked(connection, subject, subject.read())
        stop = connection.lane.stop
        if stop.reason:
            return Surveyed(subject, None, (), stopped=f"{stop.reason}: {stop.message}")
        found = survey.surveyed(subject, answered)
        headers = _headers(answered)
        many = None if found.reading is None else survey.read_many(found.subject, found.reading)
        if many is None or found.reading is None:
            return Surveyed(found.subject, found.reading, found.facts, headers)
        also = await _asked(connection, subject, many)
        fact = survey.read_many_fact(found.subject, found.reading, many, also)
        return Surveyed(found.subject, found.reading, (*found.facts, fact), {**headers, **_headers(also)})


async def _asked(connection: Connection, subject: Subject, request: Request) -> Answered:
    found = await connection.lookup.answer(request, subject.type, subject.key)
    now = connection.lane.clock.now()
    if isinstance(found, NoAnswer):
        return Answered(NotSent(found.why), Meaning.UNSENT, now, now)
    return Answered(found.reply, found.meaning, found.at.loop, now)


def _headers(answered: Answered) -> Mapping[str, str]:
    return answered.outcome.headers if isinstance(answered.outcome, Reply) else {}


# ---- what to try


def wanted(subject: Subject, reading: Reading, tried: Tried) -> Wanted:
    """Return what is to be tried.

    Raises:
        ConfigError: a field or a value cannot be probed.
    """
    if bool(tried.field) != (tried.value is not None):
        raise ConfigError("--field and --value belong together: a made-up value is written, and the old one put back.")
    noop = plain_field(subject, reading)
    try:
        name, value = field_and_value(subject.rules, tried.field, tried.value) if tried.field else ("", None)
        if name:
            refuse_unfit(subject, reading, name, value)
        if tried.unknown:
            refuse_known(subject, reading, tried.unknown)
    except Unfit as error:
        raise ConfigError(f"{error}") from None
    return Wanted(noop, name, value, tried.unknown)


# ---- writing


@contextmanager
def begun(directory: Path, settings: Settings, surveyed: Surveyed, rows: tuple[PlannedRow, ...]) -> Iterator[RunHandle]:
    """Make the run directory of a probe, with the rows that it may write; hold it until the block ends.

    A probe that sends nothing leaves nothing behind. The record as it was lies in `record.json`.

    Raises:
        ConfigError: it cannot be made; nothing was written.
        Busy: another process holds it.
    """
    if (directory / JOURNAL).exists():
        raise ConfigError(f"{directory} holds a run already: choose another --run-dir.")
    subject, api = surveyed.subject, surveyed.subject.api
    with new_directory(directory) as open_journal:
        try:
            described = apis.keep(directory, api)
            text = json_lines(_row(subject, row) for row in rows).encode("utf-8", "surrogatepass")
            spooled = source.spool(BytesIO(text), directory, settings.input.format)
            if surveyed.reading is not None:
                with replacing(directory, (RECORD,)) as (file,):
                    file.write(json.dumps(surveyed.reading.record, ensure_ascii=False, indent=1, default=float))
            facts = {
                "source": settings.input.source,
                "sha256": spooled.sha256,
                "rows": str(len(rows)),
                "settings": settings.recorded(),
                **described,
            }
            create(directory / JOURNAL, facts)
            run_directory.persist(directory)
            yield RunHandle(directory, open_journal(), settings, len(rows), settings, api)
        except OSError as error:
            raise ConfigError(f"Cannot write to {directory}: {error.strerror}; nothing was sent.") from None


def _row(subject: Subject, row: PlannedRow) -> dict[str, JSON]:
    """Return a row as NDJSON has it: made as an undo makes those that put old values back."""
    edits = tuple(Edit(edit.path, _wanted(edit), _other(edit)) for edit in row.edits)
    return restoring(subject.type, subject.key, [Written(1, edits)], subject.api.schema).members


def _wanted(edit: Edit) -> JSON:
    return None if isinstance(edit.after, Absent) else edit.after


def _other(edit: Edit) -> JSON | Absent:
    """Return what the row replaces; any value but the one wanted, where it changes nothing and would have no cells."""
    if edit.before != _wanted(edit) and not isinstance(edit.before, Unread):
        return edit.before
    return "" if _wanted(edit) is None else None


def refs(handle: RunHandle) -> tuple[RowRef, ...]:
    """Return the rows of the input as results name them."""
    copy, how = source.spooled_in(handle.directory, handle.settings.input.format), handle.settings.input
    with source.opened(copy) as stream:
        rows = source.jobs(stream, how, handle.settings.target.type, handle.api.schema, lambda _: True)
        return tuple(row.ref for row in rows)


def settings_of(settings: Settings, subject: Subject) -> Settings:
    """Return the settings of the run of a probe: its input is its own."""
    how = Input(source=f"probe of {subject.type} {printable(subject.key)}", format="ndjson", encoding="utf-8")
    target = settings.target.model_copy(update={"type": subject.type})
    return settings.model_copy(update={"input": how, "target": target})


def conversation_of(surveyed: Surveyed, tried: Tried) -> tuple[Conversation, tuple[PlannedRow, ...]]:
    """Return the conversation of a probe whose record was read, and the rows that it may write.

    Raises:
        ConfigError: a field or a value cannot be probed.
    """
    assert surveyed.reading is not None  # noqa: S101  # else there is nothing to try
    subject, reading = surveyed.subject, surveyed.reading
    to_try = wanted(subject, reading, tried)
    rows = planned(subject, reading, to_try)
    made = conversation(subject, reading, to_try, rows, surveyed.facts)
    made.channel.headers.update(surveyed.headers)
    return made, rows


@asynccontextmanager
async def prepared(
    handle: RunHandle, talk: Conversation, access: Access, host: Host, ask: Ask
) -> AsyncIterator[Prober]:
    """Connect, and yield what holds the conversation.

    Raises:
        ConfigError: the servers cannot be reached in the way the settings say.
    """
    rows = refs(handle)
    async with _lane(handle.api, handle.settings, access, host, handle.journal.counters) as connection:
        clock = connection.lane.clock

        def register() -> None:
            runs.register(handle, MODE, access, clock)

        yield Prober(
            connection, handle.journal, talk, rows, register, ask, clock, host.observer,
            handle.api.idempotency_header,
        )  # fmt: skip


def finish(handle: RunHandle, talk: Conversation, end: RunEnd, host: Host) -> Probed:
    """Record how a probe ended, write its reports, and return what it came to. Blocks.

    Raises:
        JournalError: the end cannot be recorded.
        JournalDamaged, InputRefused: the run directory does not hold what it should.
    """
    facts = with_limits(talk.channel.subject, talk.facts, talk.channel.headers, host)
    wrote = handle.journal.is_registered
    probed = Probed(facts, end, left=talk.left, wrote=wrote, complete=talk.is_complete)
    if wrote:
        end = replace(end, exit_status=probed.exit_status, state="stopped" if probed.left else end.state)
        runs.record_end(handle, end, host.clock)
        runs.write_reports(handle, MODE, end)
    return probed


def with_limits(subject: Subject, facts: Iterable[Fact], headers: Mapping[str, str], host: Host) -> tuple[Fact, ...]:
    """Return facts with the one about limits, which all replies together show."""
    return (*facts, survey.limits_fact(subject, headers, reader_of(subject.api.limits.headers), host.clock.wall()))


# ---- what comes of it


@valueclass(frozen=True, slots=True)
class Rewritten:
    """A description with what was found; `changed` lists its keys in words, `hints` what a person has to decide."""

    text: str
    changed: tuple[str, ...]
    hints: tuple[str, ...] = ()


def rewritten(
    api: DescribedApi, type_name: str, facts: Iterable[Fact], host: Host, unknown: Iterable[str] = ()
) -> Rewritten:
    """Return the description with the facts, and when they were found; above it, as comments, what is left to find out.

    Args:
        api: that was probed.
        type_name: of the record.
        facts: that were found.
        host: whose clock tells the day.
        unknown: comments of the description's file that say what is unknown.
    """
    day = datetime.fromtimestamp(host.clock.wall(), UTC).date().isoformat()
    listed = list(facts)
    description, changed = noted(api.description, listed, f"probe {day} {type_name}: {', '.join(tried_in(listed))}")
    hints = (*hints_of(listed), *unknown)
    return Rewritten("".join(f"# {printable(hint)}\n" for hint in hints) + as_toml(description), changed, hints)


def unknown_in(name_or_path: str) -> tuple[str, ...]:
    """Return the comments of a description's file that say what is unknown; none of one that comes along. Blocks.

    Raises:
        ConfigError: it cannot be read.
    """
    return unknowns(apis.text_of(Path(name_or_path))) if apis.names_file(name_or_path) else ()


def write_description(path: Path, text: str) -> None:
    """Write a description.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror}.") from None
