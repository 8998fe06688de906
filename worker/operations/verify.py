"""Whether the server still holds what a run wrote: the records read again, and a file of what differs."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Final

from jobs.apis.api import Api
from jobs.columns import HIDDEN
from jobs.model import JSON, Absent
from jobs.recipe.fields import Private
from jobs.values import valueclass
from worker.engine import verifier
from worker.engine.verifier import Finding, Verified, WrittenRecord
from worker.files import run_directory
from worker.files.atomic import replacing
from worker.files.source import private
from worker.journal import Counters, History
from worker.lane.connect import LaneSettings
from worker.lane.network import route_of
from worker.operations import apis
from worker.operations.opening import Adjust, stored_settings, unchanged
from worker.operations.runs import Host
from worker.reports.formats import csv_head, csv_line
from worker.reports.keys import KeyNames, names_of
from worker.reports.outcome import own_text
from worker.settings import Secrets, Settings
from worker.stop import Stop

REPORT: Final = "verify.csv"
"""Name of the file of what differs, in the run directory."""

_HEADER: Final = ("row", "type", "id", "finding", "column", "written", "live")


@valueclass(frozen=True, slots=True)
class Verification:
    """A run that is about to be verified, whose directory this process holds."""

    directory: Path
    history: History
    settings: Settings
    api: Api


@contextmanager
def opened(directory: Path, adjust: Adjust = unchanged, api: Api | None = None) -> Iterator[Verification]:
    """Lock and open a run in order to verify it, until the block ends.

    Raises:
        ConfigError: it is no run directory, `adjust` refuses, or what describes its API is gone or changed.
        Busy: another process holds it.
        JournalDamaged: its journal cannot be used.
    """
    path = run_directory.journal_in(directory)
    with run_directory.locked(directory), closing(History(path)) as history:
        settings = adjust(stored_settings(history)[0])
        api = apis.of_run(directory, history.facts, settings.target, api)
        yield Verification(directory, history, settings, api)


def choose(of: Verification, host: Host, sample: int | None = None) -> tuple[Iterator[WrittenRecord], int]:
    """Return the records that the run wrote, or so many of them at random, and how many there are.

    The journal is sorted by them here.

    Raises:
        JournalDamaged: the run's journal cannot be used.
    """
    records = verifier.written_records(of.history)
    if sample is not None:
        found = verifier.sampled(records, sample, Random(host.clock.sample()))  # noqa: S311  # not a secret
        return iter(found), len(found)
    return chain(list(islice(records, 1)), records), of.history.records()


async def read_again(
    of: Verification, secrets: Secrets, host: Host, records: Iterator[WrittenRecord], count: int
) -> Verified:
    """Read records again, and write `verify.csv`; the file appears complete or not at all.

    Args:
        of: the run.
        secrets: the credential.
        host: what this process brings along.
        records: that the run wrote.
        count: how many these are.

    Raises:
        ConfigError: the servers cannot be reached in the way the settings say.
        Unfinished: the API does not let us read on.
        OSError: the file cannot be written.
        JournalDamaged: the run's journal cannot be used.
    """
    route_of(of.settings, secrets)  # refused here rather than half-way
    clock = host.clock.bound()
    lane = LaneSettings(
        of.api, of.settings, secrets, host.state_directory, Counters(), clock, Stop(), observer=host.observer
    )
    how, kind, schema = of.settings.input, of.settings.target.type, of.api.schema
    with _reporting(of.directory, names_of(schema, kind), private(how, kind, schema)) as report:
        return await verifier.verify(lane, records, report, of.history.last_result(), count)


@contextmanager
def _reporting(directory: Path, names: KeyNames | None, hidden: Private) -> Iterator[Callable[[Finding], None]]:
    """Yield what writes one finding to `verify.csv`; the parts of keys stand at the end, as in the other reports."""
    with replacing(directory, (REPORT,)) as (file,):
        file.write(csv_head((*_HEADER, *(names.columns if names else ()))))
        yield lambda finding: _write(file.write, finding, names, hidden)


def _write(write: Callable[[str], object], finding: Finding, names: KeyNames | None, hidden: Private) -> None:
    record = finding.record
    cells = [str(record.row), record.type, record.id, finding.why, finding.column]
    values = [_cell(finding.written), _cell(finding.live)]
    if hidden.covers(finding.column):
        values = [HIDDEN if value else "" for value in values]
    parts = names.cells(record.type, record.id) if names else ()
    write(csv_line([own_text(cell) for cell in (*cells, *values, *parts)]))


def _cell(value: JSON | Absent) -> str:
    if isinstance(value, Absent) or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=float)
