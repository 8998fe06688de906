"""Whether fields are held in the form that the description says: lists in one text, empty values shown or left out."""

from collections.abc import Iterator
from typing import Any, Final

from jobs.apis.described.basis import Basis, Before
from jobs.apis.described.fields import FieldRule
from jobs.changes.one_text import other_separator
from jobs.model import Absent
from jobs.names import pointed
from worker.policy.decision import shown
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.subject import Reading, Subject

_SHOWN: Final = 5
"""Names that a fact lists."""


def facts(subject: Subject, reading: Reading, seen: str) -> Iterator[Fact]:
    """Yield what a read shows of the forms of fields, beside what is said of them."""
    for name in subject.rules.described_names:
        rule = subject.rules.rule(name)
        if rule.described.type in {"list", "set"}:
            yield from _list(subject, rule, _wire(subject, reading, rule), seen)
    yield from _empty(subject, reading, seen)


def _wire(subject: Subject, reading: Reading, rule: FieldRule) -> Any:
    return Before(None, Basis(reading.record, values=pointed(subject.described.values))).wire(rule)


def _list(subject: Subject, rule: FieldRule, wire: Any, seen: str) -> Iterator[Fact]:
    """Yield how a list is held; nothing where the record does not show it, or shows an empty one."""
    separator, name = rule.described.sep, f"list {rule.name}"
    place = ("resources", subject.type, "fields", rule.name, "sep")
    if isinstance(wire, list) and wire:
        told, right = ("a list", not separator)
        notes = () if right else (Note(place, ""),)
    elif isinstance(wire, str) and wire:
        other = other_separator(wire, separator)
        told, right = (f"one text, {shown(wire)}", bool(separator) and not other)
        told = f"{told}: parted by {shown(other)}?" if other else told
        notes = (Note(place, other),) if other else ()
    else:
        return
    says = f"one text, parted by {shown(separator)}" if separator else "a list"
    yield Fact(name, says, told, seen, contradicts=not right, notes=notes)


def _empty(subject: Subject, reading: Reading, seen: str) -> Iterator[Fact]:
    """Yield whether a read shows empty values; nothing where all that is described is shown."""
    place = ("resources", subject.type, "omits_empty")
    if subject.described.omits_empty:
        empty = [name for name, value in reading.fields.items() if _is_empty(value)]
        told = f"shown: {_listed(empty)}" if empty else "none is shown"
        notes = (Note(place, False),) if empty else ()
        yield Fact("empty fields", "left out", told, seen, contradicts=bool(empty), notes=notes)
        return
    rules = map(subject.rules.rule, subject.rules.described_names)
    plain = [rule for rule in rules if not (rule.described.write_only or rule.described.action)]
    absent = [rule.name for rule in plain if isinstance(_wire(subject, reading, rule), Absent)]
    if absent:
        told = f"described, and not shown: {_listed(absent)}; if these are empty, write omits_empty = true"
        yield Fact("empty fields", "shown", told, seen)


def _is_empty(value: object) -> bool:
    return value is False or (value == 0 and not isinstance(value, bool)) or value in ("", [])


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
