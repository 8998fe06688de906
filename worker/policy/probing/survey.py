"""What the reads of a probe show: whether they work, where the record stands, and which headers are about limits."""

from collections.abc import Mapping
from typing import Final

from jobs.apis.documents import value_of
from jobs.apis.meanings import Meaning
from jobs.model import Fields, Reply, Request
from jobs.names import Steps, name_of, pointed, pointer_to
from jobs.places import at
from jobs.values import valueclass
from worker.policy.probing import forms, limit_names
from worker.policy.probing.effects import alike, place_of_record, shows_key
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.limit_names import Reader
from worker.policy.probing.steps import Answered
from worker.policy.probing.subject import Reading, Subject
from worker.policy.wording import why_not

_SHOWN: Final = 5
"""Names that a fact lists."""


@valueclass(frozen=True, slots=True)
class Surveyed:
    """What a read of the record showed.

    Attributes:
        subject: the record, by a description that is right about where replies hold it.
        reading: None where nothing more can be tried.
    """

    subject: Subject
    reading: Reading | None
    facts: tuple[Fact, ...]


def surveyed(subject: Subject, answered: Answered) -> Surveyed:
    """Return what the first read of a record shows."""
    name, says, seen = "read", f"GET {_path(subject)}", "the first read"
    outcome = answered.outcome
    if not isinstance(outcome, Reply) or answered.meaning is not Meaning.SERVED:
        return Surveyed(subject, None, (Fact(name, says, why_not(outcome), seen, contradicts=True),))
    document, described = value_of(outcome), pointed(subject.described.record)
    there = at(document, described)
    found = described if shows_key(there, subject.shown_id, subject.id_name) else None
    if found is None:
        found = place_of_record(document, subject.shown_id, subject.id_name)
        if isinstance(there, Mapping) and (found is None or not shows_key(at(document, found), *_key(subject))):
            found = described  # an object that does not show an id is all that can be asked for
    if found is None:
        told = f"{outcome.status}, and no record in the reply"
        return Surveyed(subject, None, (Fact(name, says, told, seen, contradicts=True),))
    read = Fact(name, says, f"works: {outcome.status}", seen)
    moved = subject if found == described else subject.varied(record=pointer_to(found))
    reading = moved.reading(outcome, answered.asked)
    if reading is None:
        told = f"a record that shows another {subject.id_name}"
        return Surveyed(subject, None, (read, Fact("key", subject.id_name, told, seen, contradicts=True)))
    values = (*_values(moved, reading, seen), *forms.facts(moved, reading, seen))
    return Surveyed(moved, reading, (read, _place(subject, found, seen), *values))


def _key(subject: Subject) -> tuple[str, str]:
    return subject.shown_id, subject.id_name


def _path(subject: Subject) -> str:
    read = subject.described.read
    return (read.path if read else "") or subject.described.path


def _place(subject: Subject, found: Steps, seen: str) -> Fact:
    described = pointed(subject.described.record)
    note = Note(("resources", subject.type, "record"), pointer_to(found))
    differs = found != described
    return Fact("record", _at(described), _at(found), seen, differs, (note,) if differs else ())


def _at(steps: Steps) -> str:
    return f"at {pointer_to(steps)}" if steps else "the whole reply"


def _values(subject: Subject, reading: Reading, seen: str) -> tuple[Fact, ...]:
    values = subject.described.values
    if not values:
        return ()
    if isinstance(at(reading.record, pointed(values)), Mapping):
        return (Fact("values", f"at {values}", f"{len(reading.fields)} members", seen),)
    objects = [name for name, each in reading.record.items() if isinstance(each, Mapping)]
    told = f"no object there; objects are {', '.join(objects[:_SHOWN]) or 'nowhere'}"
    return (Fact("values", f"at {values}", told, seen, contradicts=True),)


# ---- many at once


def read_many(subject: Subject, reading: Reading) -> Request | None:
    """Return the request that reads the record by the way of reading many; None where none is described."""
    if subject.described.read_many is None:
        return None
    return _paged(subject).resource.read([subject.key], _all(reading))


def read_many_fact(subject: Subject, reading: Reading, request: Request, answered: Answered) -> Fact:
    """Return whether reading many at once shows the same as reading one."""
    says, seen = f"{request.method} {request.target}", "the read of many"
    outcome = answered.outcome
    if not isinstance(outcome, Reply) or answered.meaning is not Meaning.SERVED:
        return Fact("read_many", says, why_not(outcome), seen, contradicts=True)
    states = _paged(subject).resource.states(outcome, [subject.key], _all(reading))
    if states is None or subject.key not in states:
        told = "no list of records in the reply" if states is None else "the record is not on the page"
        return Fact("read_many", says, told, seen, contradicts=True)
    shown, alone = states[subject.key].attributes, subject.live(reading, _all(reading).attributes).attributes
    other = [name for name in alone if not alike(alone[name], shown.get(name))]
    if other:
        return Fact("read_many", says, f"shows other values: {', '.join(other[:_SHOWN])}", seen, contradicts=True)
    return Fact("read_many", says, "works: the same values", seen)


def _paged(subject: Subject) -> Subject:
    """Return the record by a description that may read it on a page although updates need headers."""
    return subject.varied(precondition=None)


def _all(reading: Reading) -> Fields:
    return Fields(frozenset(name_of((name,)) for name in reading.fields))


# ---- limits


def limits_fact(subject: Subject, headers: Mapping[str, str], read: Reader, wall: float) -> Fact:
    """Return which headers of the replies are about limits, and which of them are understood.

    Args:
        subject: of the description.
        headers: of all replies together, names in lower case.
        read: reads limits from headers.
        wall: seconds since the epoch.
    """
    description = subject.api.description
    told = [each.rate or f"{each.concurrency} in flight" for each in (*description.limits, *subject.described.limits)]
    named = {name.lower() for each in description.limit_headers for name in (each.limit, each.remaining, each.reset)}
    known = limit_names.understood(headers, read, wall)
    others = [name for name in headers if limit_names.looks_like_limit(name) and name not in (*known, *named)]
    missing = sorted(named - headers.keys() - {""})
    found = [f"{limit_names.in_words(read(headers, wall))} ({', '.join(known)})"] if known else []
    found += [f"not understood: {', '.join(others)}"] if others else []
    found += [f"described, but not sent: {', '.join(missing)}"] if missing else []
    says = ", ".join([*told, *sorted(named - {""})])
    return Fact("limits", says, "; ".join(found) or "no header tells any", "headers of the replies", bool(missing))
