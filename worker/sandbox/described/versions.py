"""Versions of records: the members and headers that change with each update, and updates that depend on them."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, Final

from jobs.apis.description.model import FieldDescription
from jobs.apis.description.templates import template
from worker.sandbox.described.failures import Refusal
from worker.sandbox.described.pointers import MISSING, Steps, look, steps_to, store
from worker.sandbox.described.records import Kind, Record, Records, as_text
from worker.sandbox.resources import timestamp

_CHANGES: Final = re.compile(r"(?i)(updated|modified|changed)_?(date|stamp|at)?$|modstamp$")
"""Names of members that say when a record was changed last."""

_A_TIME: Final = re.compile(r"(?i)_at$|At$|date|time|stamp|updated|modified|changed")
_START: Final = 1000
"""Version of a record that was never changed, where it is shown."""


def headers(record: Record, kind: Kind) -> dict[str, str]:
    """Return the headers that show the version of a record: those that preconditions are made of."""
    given = kind.resource.precondition
    texts = [*given.headers.values(), *given.query.values(), *map(str, given.body.values())] if given else []
    names = {name[1:] for text in texts for name in template(text).names if name.startswith("@")}
    return {name: _header(name, record.version) for name in names}


def stamp(record: Record, kind: Kind, records: Records, now: float) -> None:
    """Show in a record that it was changed now, in seconds since 1970."""
    for each in records.sharing(kind):
        for place in _places(each):
            described = each.fields.of(place[len(each.fields.values) :])
            store(record.document, place, _version(described, place[-1], record.version, now))


def check(
    record: Record,
    kind: Kind,
    sent: Mapping[str, str],
    query: Mapping[str, str],
    conditions: Mapping[str, Any],
) -> None:
    """Check that an update is about the record as it is now. One that names no version always is.

    Args:
        record: that is updated.
        kind: of it.
        sent: headers of the request.
        query: its parameters.
        conditions: members of its body by pointer.

    Raises:
        Refusal: the record has changed: 412 for headers, else 409; or a condition is half there.
    """
    given = kind.resource.precondition
    if given is None:
        return
    for name, text in given.headers.items():
        if name in sent and sent[name] not in {_filled(text, record, kind), "*"}:
            raise Refusal("conflict", f"{name} is not that of the record as it is now.", status=412)
    for name, text in given.query.items():
        if name in query and query[name] != _filled(text, record, kind):
            raise Refusal("conflict", f"{name} is not that of the record as it is now.")
    if conditions and (lacking := given.body.keys() - conditions.keys()):
        raise Refusal("bad_request", f"A conditional update has {', '.join(sorted(lacking))}, too.")
    for pointer, value in conditions.items():
        wanted = given.body[pointer]
        now = _filled(wanted, record, kind) if isinstance(wanted, str) else as_text(wanted)
        if as_text(value) != now:
            raise Refusal("conflict", f"{pointer} is not that of the record as it is now.")


def _places(kind: Kind) -> list[Steps]:
    """Return where a document shows its version, or when it was changed."""
    given = kind.resource.precondition
    texts = [*given.headers.values(), *given.query.values(), *map(str, given.body.values())] if given else []
    names = {name for text in texts for name in template(text).names if name.startswith("/")}
    record = steps_to(kind.resource.record)
    listed = kind.fields.listed.items()
    changes = [kind.fields.shown_at(steps) for steps, each in listed if each.read_only and _CHANGES.search(steps[-1])]
    return list(dict.fromkeys([*((*record, *steps_to(name)) for name in names), *changes]))


def _filled(text: str, record: Record, kind: Kind) -> str:
    place = steps_to(kind.resource.record)

    def value(name: str) -> str:
        if name.startswith("@"):
            return _header(name[1:], record.version)
        found = look(record.document, (*place, *steps_to(name)))
        return "" if found is MISSING else as_text(found)

    parsed = template(text)
    return parsed.fill({name: value(name) for name in parsed.names})


def _header(name: str, version: int) -> str:
    return formatdate(version, usegmt=True) if "modified" in name.lower() else f'"v{version}"'


def _version(described: FieldDescription, name: str, version: int, now: float) -> Any:
    if described.type in {"int", "float"} or described.encode in {"epoch", "epoch_ms"}:
        return _START + version
    return timestamp(now) if _A_TIME.search(name) else str(_START + version)
