"""The run in a few numbers: `summary.json`, and what the words at the end of a run are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from jobs.apis.schema import Schema
from jobs.model import RowRef, Status
from jobs.values import valueclass
from worker.files import api_copy, night_facts
from worker.journal import History, Process, RowOutcome
from worker.policy.guards import VALUES_LOST
from worker.reports.outcome import Place, line_of, message, needs_action, timestamp
from worker.settings import Settings

SCHEMA: Final = 1
"""Version of `summary.json`."""

MAX_GROUPS: Final = 100
"""Groups told apart by their fields; beyond that, a reason's rows are one group."""

_OTHERS: Final = "by other types"

CauseKey: TypeAlias = tuple[str, tuple[str, ...]]
"""What tells causes apart: the reason, and the fields it is about."""


@valueclass(frozen=True, slots=True)
class Group:
    """Rows that need action for one cause: the same reason about the same fields. `row`, `place`, `message`: the first.

    Attributes:
        count: rows.
    """

    status: Status
    reason: str
    fields: tuple[str, ...]
    count: int
    row: int
    place: str
    message: str


@valueclass(frozen=True, slots=True)
class Requests:
    """Requests sent by all processes of the run."""

    patch: int = 0
    get: int = 0
    token: int = 0


@valueclass(frozen=True, slots=True)
class Summary:
    """A run so far.

    Attributes:
        state: `finished`, `stopped`, `interrupted`, or `killed` when the last process did not say how it ended.
        exit_status: of the last process; None when it was killed.
        sha256: of the input as it was given, in hexadecimal.
        rows: of the input; the sum of `counts`.
        counts: rows by status, all nine of them.
        refused_429: replies that asked to slow down.
        started_at: RFC 3339 UTC, of the first process.
        elapsed_s: seconds that processes worked on the run.
        message: how the last process put it, empty when all went its way.
        groups: the causes of rows that need action, the largest first.
        rerouted: rows sent by a concrete type instead of their abstract one, by what was said about them.
        unrepeatable: rows left unknown that `retry` does not send again.
        resent: rows applied at another try after an attempt without a trustworthy reply.
        beyond_limit: rows skipped because of `--limit`.
        planned: the run keeps to a plan, which has none of those rows.
        unread: rows that were sent with names that nobody can compare, by name.
        longest_gap_s: most seconds between reading a record and an update of it: what somebody changed in that time
            may be lost. None if nothing that was read was sent, or all updates were conditional.
        failed_name: name of the report that can be fed back.
        refeed: flags that feeding it back needs.
        job: command that goes on with the job whose night the run is; empty for any other run.
        damaged: rows whose updates took more from their records than the rows say.
    """

    state: str
    exit_status: int | None
    sha256: str
    rows: int
    counts: Mapping[Status, int]
    requests: Requests
    refused_429: int
    started_at: str
    elapsed_s: float
    message: str = ""
    groups: tuple[Group, ...] = ()
    rerouted: Mapping[str, int] = field(default_factory=dict)
    resent: int = 0
    unrepeatable: int = 0
    beyond_limit: int = 0
    planned: bool = False
    unread: Mapping[str, int] = field(default_factory=dict)
    longest_gap_s: float | None = None
    failed_name: str = "failed.csv"
    refeed: tuple[str, ...] = ()
    job: str = ""
    damaged: int = 0

    def document(self) -> dict[str, object]:
        """Return the content of `summary.json`."""
        requests = self.requests
        return {
            "schema": SCHEMA,
            "state": self.state,
            "exit_status": self.exit_status,
            "input": {"sha256": self.sha256, "rows": self.rows},
            "counts": {status.value: count for status, count in self.counts.items()},
            "requests": {"patch": requests.patch, "get": requests.get, "token": requests.token},
            "refused_429": self.refused_429,
            "longest_gap_s": self.longest_gap_s,
            "started_at": self.started_at,
            "elapsed_s": round(self.elapsed_s, 3),
        }


@dataclass(slots=True)
class Tally:
    """Counts rows as they go by; its size does not grow with their number."""

    rows: int = 0
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    resent: int = 0
    beyond_limit: int = 0
    damaged: int = 0
    rerouted: dict[str, int] = field(default_factory=dict)

    def add(self, fates: Mapping[RowOutcome, int]) -> None:
        """Count rows, so many of each fate."""
        for fate, rows in fates.items():
            self.rows += rows
            self.counts[fate.status] += rows
            if needs_action(fate):
                continue
            if fate.reason == "resent":
                self.resent += rows
            elif fate.reason == VALUES_LOST:
                self.damaged += rows
            elif fate.reason == "beyond_limit":
                self.beyond_limit += rows
            elif fate.reason == "concrete_type":
                self._count_reroute(fate.message, rows)

    def _count_reroute(self, said: str, rows: int) -> None:
        key = said if said in self.rerouted or len(self.rerouted) < MAX_GROUPS else _OTHERS
        self.rerouted[key] = self.rerouted.get(key, 0) + rows


@dataclass(slots=True)
class Causes:
    """Why rows need action; its size does not grow with their number."""

    _counts: dict[CauseKey, int] = field(default_factory=dict)
    _first: dict[CauseKey, tuple[RowRef, RowOutcome]] = field(default_factory=dict)

    def add(self, ref: RowRef, fate: RowOutcome) -> CauseKey:
        """Count one row that does; return which cause it has."""
        key = fate.reason, fate.fields
        if key not in self._counts:
            key = key if len(self._counts) < MAX_GROUPS else (fate.reason, ())
            self._first.setdefault(key, (ref, fate))
        self._counts[key] = self._counts.get(key, 0) + 1
        return key

    def groups(self, place: Place = line_of) -> tuple[Group, ...]:
        """Return the causes, largest first, equals in file order; `place` says where the cell of a field is."""
        groups = []
        for (key, count), (ref, first) in zip(self._counts.items(), self._first.values(), strict=True):
            where = place(ref, next(iter(first.fields), ""))
            groups.append(Group(first.status, *key, count, ref.row, where, message(first)))
        return tuple(sorted(groups, key=lambda group: -group.count))


def summarise(
    history: History, settings: Settings, schema: Schema, groups: tuple[Group, ...], tally: Tally, failed_name: str
) -> Summary:
    """Put together what the rows and the processes of a run say."""
    processes = history.processes()
    last = processes[-1] if processes else None
    return Summary(
        state=_state(last),
        exit_status=last.exit_status if last else None,
        sha256=history.facts["sha256"],
        rows=tally.rows,
        counts=tally.counts,
        requests=Requests(
            history.attempts(), sum(each.gets for each in processes), sum(each.tokens for each in processes)
        ),
        refused_429=sum(each.refused for each in processes),
        started_at=timestamp(processes[0].started_at) if processes else "",
        elapsed_s=sum(max(0.0, each.last_at - each.started_at) for each in processes),
        message=last.message if last else "",
        groups=groups,
        rerouted=tally.rerouted,
        resent=tally.resent,
        unrepeatable=history.unrepeatable(schema),
        beyond_limit=tally.beyond_limit,
        planned=history.is_bound_to(settings.input.limit),
        unread=history.unread(),
        longest_gap_s=_number(history.facts.get("longest_gap", "")),
        failed_name=failed_name,
        refeed=_refeed(settings, history.path.parent, history.facts),
        job=night_facts.command_of_job(history.facts),
        damaged=tally.damaged,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _state(last: Process | None) -> str:
    return "killed" if last is None or last.exit_status is None else last.state


def _refeed(settings: Settings, directory: Path, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the flags with which `apply` understands `failed.*` as this run understood its input."""
    target, how = settings.target, settings.input
    flags = ["--url", target.url, *api_copy.flags_of(directory, target)]
    if settings.connecting.ca_file:
        flags += ["--ca-file", settings.connecting.ca_file]
    if settings.connecting.proxy:
        flags += ["--proxy", settings.connecting.proxy]
    if api_copy.RECIPE_PATH in facts:
        flags += ["--recipe", facts[api_copy.RECIPE_PATH]]
    if target.type:
        flags += ["--type", target.type]
    if how.metadata == "replace":
        flags += ["--metadata", "replace"]
    if how.blind:
        flags += ["--blind"]
    for name in how.allow_triggers:
        flags += ["--allow-trigger", name]
    if how.clear_token != type(how).model_fields["clear_token"].default:
        flags += ["--clear-token", how.clear_token]
    return tuple(flags)
