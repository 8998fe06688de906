"""Judges a simulated run from outside: reports and journal against sheet, the server's ledger and the wire. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from jobs.model import SETTLED_WELL
from tests.system.simulation.evidence import Evidence
from tests.system.simulation.facts import Facts, Terms, facts_of, id_of
from tests.system.simulation.model import outcomes, updated
from tests.system.simulation.network import Flight
from tests.system.simulation.senders import Senders
from tests.system.simulation.sheet import Row, Sheet
from worker.sandbox import Entry, Oddity


class Kind(StrEnum):
    """Promises that can be broken."""

    RESULTS = "not exactly one result a row"
    APPLIED = "false applied"
    REFUSED = "false refusal"
    BASELESS = "unknown without a cause"
    UNMARKED = "doubt not told"
    TWICE = "unsafe row applied twice"
    STATE = "wrong on the server"
    STRAY = "nobody asked for it"
    TOGETHER = "too many in flight"
    COUNTS = "figures do not agree"
    STUBBORN = "too many attempts"
    NOT_DONE = "not done without a cause"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise."""

    kind: Kind
    detail: str


_SUCCESSES: Final = frozenset({"", *(oddity for oddity in Oddity if oddity.applies and oddity.startswith("2"))})
"""Faults of requests, or none, whose reply was a whole 2xx."""

_CONFIRMED: Final = frozenset({"", "concrete_type", "echo_differs", "unverified", "resent"})
"""Reasons of rows that a reply confirmed."""

_NOT_PROCESSED: Final = frozenset({401, 403, 404, 405, 429})
"""Replies that cost a row no attempt: another token, another type, a slower pace."""


def judge(terms: Terms, evidence: Evidence) -> list[Violation]:
    """Every promise that the run broke."""
    if broken := list(_one_result_a_row(terms.sheet, evidence)):
        return broken
    found = list(facts_of(terms.sheet, evidence))
    rows = [violation for facts in found for violation in _judge_row(terms, facts, evidence)]
    return [
        *rows,
        *_waiting(found, evidence),
        *_strays(terms.sheet, evidence),
        *_state(terms, evidence),
        *_in_flight(terms, evidence),
        *_figures(terms, found, evidence),
        *_end(terms, evidence),
    ]


def _end(terms: Terms, evidence: Evidence) -> Iterator[Violation]:
    """A run at which nothing went wrong finishes."""
    if terms.quiet and evidence.ended[0] != "finished":
        yield Violation(Kind.NOT_DONE, f"it ended as {evidence.ended[0]}, and nothing went wrong")


def _one_result_a_row(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    told = evidence.reports.csv
    expected = [(row.number, row.cells().get("id", row.id)) for row in sheet.rows]
    looked_up = [row.named for row in sheet.rows]
    shown = [
        (each.row, each.id or row_id if named else each.id)  # nobody may have looked the record up
        for each, (_, row_id), named in zip(told, expected, looked_up, strict=False)
    ]
    if len(told) != len(expected) or shown != expected:
        yield Violation(Kind.RESULTS, f"results.csv has the rows {[each.row for each in told]}")
    if told != evidence.reports.ndjson:
        yield Violation(Kind.RESULTS, "results.ndjson tells another story than results.csv")


def _judge_row(terms: Terms, facts: Facts, evidence: Evidence) -> Iterator[Violation]:
    told, name = facts.told, facts.name
    match told.status:
        case "applied":
            yield from _judge_applied(terms, facts, evidence)
        case "unknown":
            differs = terms.blind and not terms.rules.keeps(
                facts.row
            )  # the echo: is it the old value, or a stored form?
            if not (facts.is_shaky or differs):
                yield Violation(Kind.BASELESS, f"{name}: every attempt was answered")
        case _ if told.reason == "tags_discarded":
            if not _is_confirmed(facts):
                yield Violation(Kind.APPLIED, f"{name}: the rest of it was not applied")
        case _:
            yield from _judge_refused(terms, facts, evidence)
    if facts.row.ends and (told.status not in {facts.row.ends, "pending"} or facts.entries):
        yield Violation(Kind.REFUSED, f"{name}: it cannot be sent, and ends as {facts.row.ends}")
    again = len(facts.applied) > 1 + evidence.consents.get(told.row, 0)
    if not facts.row.replay_safe and again and not _changes_nothing(facts.row, terms, evidence):
        yield Violation(Kind.TWICE, f"{name}: applied {len(facts.applied)} times")
    if terms.quiet and evidence.ended[0] == "finished" and not _is_done(terms, facts, evidence):
        yield Violation(Kind.NOT_DONE, name)
    counted = Counter(flight.client for flight in facts.flights if flight.status not in _NOT_PROCESSED)
    if not terms.pauses and any(count > terms.max_attempts for count in counted.values()):
        yield Violation(Kind.STUBBORN, f"{name}: {max(counted.values())} attempts by one process")


def _changes_nothing(row: Row, terms: Terms, evidence: Evidence) -> bool:
    """Whether the record cannot tell that the row was applied: it held the values already, or its tags are unknown."""
    record = evidence.before.get(row.id)
    return (
        record is not None
        and not row.trigger
        and all(updated(record, row, replace(terms.rules, replaces=each)) == record for each in (True, False))
    )


def _was_partly_applied(row: Row, evidence: Evidence) -> bool:
    """Whether it was sent again after the API had taken all but some tags: that stands when the retry fails."""
    return bool(evidence.consents.get(row.number)) and any(name.startswith("tags.") for name in row.cells())


def _judge_applied(terms: Terms, facts: Facts, evidence: Evidence) -> Iterator[Violation]:
    reason, name = facts.told.reason, facts.name
    if not facts.applied and not (reason == "read_back" and _changes_nothing(facts.row, terms, evidence)):
        yield Violation(Kind.APPLIED, f"{name}: the server never applied it")
    elif reason in _CONFIRMED and not _is_confirmed(facts):
        yield Violation(Kind.APPLIED, f"{name}: the last reply did not confirm it")
    if reason in {"", "concrete_type"} and len(facts.applied) > 1:
        yield Violation(Kind.UNMARKED, f"{name}: applied {len(facts.applied)} times")
    # a canary may be read too early, and the process killed before it is read again
    doubted = facts.is_shaky or (terms.stale and (reason == "read_back" or not terms.undisturbed))
    if reason in {"resent", "read_back"} and not doubted:
        yield Violation(Kind.UNMARKED, f"{name}: every attempt was answered")


def _is_confirmed(facts: Facts) -> bool:
    last = facts.entries[-1] if facts.entries else None
    arrived = last is not None and last.status == 204  # no body is lost with the connection
    return last is not None and last.applied and (last.fault in _SUCCESSES or (arrived and last.fault == "lost-after"))


def _judge_refused(terms: Terms, facts: Facts, evidence: Evidence) -> Iterator[Violation]:
    told, name, last = facts.told, facts.name, facts.entries[-1] if facts.entries else None
    harmless = told.reason == "not_applied" and _changes_nothing(facts.row, terms, evidence)
    failed_again = told.status == "failed" and _was_partly_applied(facts.row, evidence)
    if facts.applied and not (harmless or failed_again):
        yield Violation(Kind.REFUSED, f"{name}: the server applied it")
    if told.reason in {"not_found", "reference_not_found"}:
        if facts.row.id in evidence.before:
            yield Violation(Kind.REFUSED, f"{name}: the record exists")
    elif told.status == "rejected" and not _is_refused(facts.row, last):
        yield Violation(Kind.REFUSED, f"{name}: the server did not say so")
    if told.reason == "not_applied" and not facts.is_shaky:
        yield Violation(Kind.REFUSED, f"{name}: every attempt was answered")
    if (
        told.status == "unchanged"
        and facts.flights
        and not facts.is_shaky
        and any(f.status == 200 for f in facts.flights)
    ):
        yield Violation(Kind.REFUSED, f"{name}: it was sent")


def _is_refused(row: Row, last: Entry | None) -> bool:
    """Return whether the last reply is a refusal: also if its body broke off, or it asks an action to wait."""
    if last is None or not 400 <= last.status < 500:
        return False
    return last.fault in {"", "lost-after"} or (last.fault.endswith("-pause") and not row.replay_safe)


def _is_done(terms: Terms, facts: Facts, evidence: Evidence) -> bool:
    """Whether a row that can be applied is."""
    row, told = facts.row, facts.told
    can = not row.ends and row.id in evidence.before and row.id not in terms.locked
    return not can or told.status in SETTLED_WELL or told.reason == "tags_discarded"


def _waiting(found: Iterable[Facts], evidence: Evidence) -> Iterator[Violation]:
    """Rows without an outcome need a cause: the run did not finish, or an earlier row of their id is unknown."""
    unknown: set[str] = set()
    for facts in found:
        told = facts.told
        if told.status == "unknown":
            unknown.add(facts.row.id)
        elif told.reason == "after_unknown" and facts.row.id not in unknown:
            yield Violation(Kind.NOT_DONE, f"row {told.row} waits for an unknown row that is none")
        elif told.reason == "not_reached" and evidence.ended[0] == "finished":
            yield Violation(Kind.NOT_DONE, f"row {told.row} is not reached, although the run has finished")


def _strays(sheet: Sheet, evidence: Evidence) -> Iterator[Violation]:
    senders = Senders(sheet)
    for entry in evidence.patches:
        if senders.row_of(entry.id, entry.body, entry.status) is None:
            yield Violation(Kind.STRAY, f"PATCH {entry.n} of {entry.id} is from no row")


def _state(terms: Terms, evidence: Evidence) -> Iterator[Violation]:
    """Each record is what its rows made of it in file order; an unknown row may have been applied or not."""
    rows = defaultdict(list)
    for row, told in zip(terms.sheet.rows, evidence.reports.csv, strict=True):
        partly = told.status == "failed" and _was_partly_applied(row, evidence)
        if told.status in {"applied", "unchanged", "unknown"} or told.reason == "tags_discarded" or partly:
            rows[row.id].append((row, told.status != "unknown" and not partly))
    for key, record in evidence.before.items():
        possible = outcomes(record, rows[key], terms.rules)
        if evidence.after[key] not in possible:
            kind = Kind.STATE if key in {row.id for row in terms.sheet.rows} else Kind.STRAY
            yield Violation(kind, f"{key} holds {evidence.after[key]}, not {' or '.join(map(str, possible))}")


def _in_flight(terms: Terms, evidence: Evidence) -> Iterator[Violation]:
    under_way: list[Flight] = []
    for flight in evidence.flights:
        under_way = [each for each in under_way if each.ended is None or each.ended > flight.began]
        if any(id_of(each) == id_of(flight) for each in under_way):
            yield Violation(Kind.TOGETHER, f"two PATCHes of {id_of(flight)} at {flight.at:.3f}")
        under_way.append(flight)
        if sum(each.client == flight.client for each in under_way) > terms.concurrency:
            yield Violation(Kind.TOGETHER, f"more than {terms.concurrency} PATCHes at {flight.at:.3f}")
    for left in evidence.opened:
        if len(left) > terms.concurrency:
            yield Violation(Kind.TOGETHER, f"a kill left {len(left)} attempts open; {terms.concurrency} is the most")


def _figures(terms: Terms, found: Sequence[Facts], evidence: Evidence) -> Iterator[Violation]:
    reports = evidence.reports
    yield from _counts(evidence, {facts.told.row: facts.told.status for facts in found})
    if reports.patches != len(evidence.attempts):
        yield Violation(Kind.COUNTS, f"{reports.patches} PATCHes are told, {len(evidence.attempts)} are in the journal")
    for facts in found:
        yield from _row_figures(terms, facts)
    posts = sum(entry.method == "POST" for entry in evidence.ledger)
    if terms.tokens is not None and posts > terms.tokens:
        yield Violation(Kind.COUNTS, f"{posts} tokens were asked for; {terms.tokens} were needed")


def _row_figures(terms: Terms, facts: Facts) -> Iterator[Violation]:
    """Nothing leaves that the journal does not know of, and without interference it knows of nothing else."""
    sent, arrived, known = len(facts.flights), len(facts.entries), len(facts.attempts)
    if not arrived <= sent <= known or (terms.undisturbed and arrived != known):
        detail = f"row {facts.told.row}: {known} attempts in the journal, {sent} left, {arrived} arrived"
        yield Violation(Kind.COUNTS, detail)
    if facts.told.reason != "not_reached" and facts.told.attempts != known:
        detail = f"row {facts.told.row} is told with {facts.told.attempts} attempts, the journal has {known}"
        yield Violation(Kind.COUNTS, detail)


def _counts(evidence: Evidence, statuses: Mapping[int, str]) -> Iterator[Violation]:
    reports = evidence.reports
    if reports.counts != dict(Counter(statuses.values())):
        yield Violation(Kind.COUNTS, f"summary.json counts {reports.counts}")
    bad = [row for row, status in statuses.items() if status not in SETTLED_WELL]
    if list(reports.failed) != bad:
        yield Violation(Kind.COUNTS, f"failed.* has the rows {reports.failed}, and not {bad}")
    state, status = evidence.ended
    expected = {"finished": {1 if bad else 0}, "stopped": {3}, "interrupted": {130, 143}}[state]
    if status not in expected or (reports.state, reports.exit_status) != evidence.ended:
        yield Violation(Kind.COUNTS, f"ended as {state} with {status}; summary.json says {reports.exit_status}")
