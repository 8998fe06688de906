"""What the reply to an update shows of the record."""

from collections.abc import Mapping

from jobs.apis.documents import value_of
from jobs.model import ABSENT, Absent, Reply
from jobs.names import pointed, pointer_to
from jobs.places import at
from worker.policy.probing.effects import is_empty, place_of_record, shows_key
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.subject import Reading, Subject


def echo_fact(subject: Subject, reply: Reply, seen: str, reading: Reading) -> Fact:
    """Return how much of the record a success shows, and where.

    Args:
        subject: of the description.
        reply: the success.
        seen: what was sent.
        reading: of the record, after the update.
    """
    echo = subject.described.update.echo
    place = pointed(subject.described.record if echo is None else echo)
    says = "" if echo is None else f"the record at {pointer_to(place)}" if place else "the record"
    document = value_of(reply)
    if isinstance(document, Absent):
        what = "nothing" if not reply.body.strip() else "no JSON"
        return Fact("echo", says, f"{reply.status}, {what}: updates are read back", seen)
    there = at(document, place)
    if not _is_record(subject, there, reading):
        found = place_of_record(document, subject.shown_id, subject.id_name)
        if found is not None and found != place and _is_record(subject, at(document, found), reading):
            note = Note(("resources", subject.type, "update", "echo"), pointer_to(found))
            told = f"{reply.status}, the record at {pointer_to(found)}" if found else f"{reply.status}, the record"
            return Fact("echo", says, told, seen, contradicts=True, notes=(note,))
        return Fact("echo", says, f"{reply.status}, without the record: updates are read back", seen)
    return Fact("echo", says, f"{reply.status}, {_share(subject, there, reading)}", seen)


def _is_record(subject: Subject, value: object, reading: Reading) -> bool:
    """Return whether an object shows the record: its id, or a member that only the record has."""
    if shows_key(value, subject.shown_id, subject.id_name):
        return True
    return isinstance(value, Mapping) and bool(value) and value.keys() <= reading.record.keys()


def _share(subject: Subject, record: object, reading: Reading) -> str:
    fields = at(record, pointed(subject.described.values))
    shown = fields if isinstance(fields, Mapping) else {}
    wanted = [name for name, value in reading.fields.items() if not is_empty(value)]
    there = [name for name in wanted if not isinstance(shown.get(name, ABSENT), Absent)]
    if len(there) == len(wanted):
        return "the whole record"
    return f"a part of the record: {len(there)} of {len(wanted)} members"
