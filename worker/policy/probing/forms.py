"""Whether fields are held in the form that the description says: lists in one text, empty values shown or left out."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jobs.apis.described.basis import Basis, Before
from jobs.apis.described.fields import FieldRule
from jobs.changes.one_text import other_separator
from jobs.model import Absent
from jobs.names import pointed
from worker.policy.decision import shown
from worker.policy.probing.facts import Fact, Note
from worker.policy.probing.subject import Reading, Subject

_AS_TEXTS: Final = frozenset({"int", "float", "bool"})
"""Types whose values some APIs hold as texts."""

_FORMS: Final[Mapping[str, tuple[type, ...]]] = {
    "epoch": (int, float),
    "epoch_ms": (int, float),
    "list": (list,),
    "text": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "date": (str,),
    "datetime": (str,),
    "object": (dict,),
    "map": (dict,),
    "keyed": (list,),
}
"""What JSON has for a value, by how it is encoded, and else by its type."""

_JSON: Final[Mapping[type, str]] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}

_SHOWN: Final = 5
"""Names that a fact lists."""


def facts(subject: Subject, reading: Reading, seen: str) -> Iterator[Fact]:
    """Yield what a read shows of the forms of fields, beside what is said of them."""
    for name in subject.rules.described_names:
        rule = subject.rules.rule(name)
        if rule.described.type in {"list", "set"}:
            yield from _list(subject, rule, _wire(subject, reading, rule), seen)
        else:
            yield from _form(subject, rule, _wire(subject, reading, rule), seen)
    yield from _empty(subject, reading, seen)


def _wire(subject: Subject, reading: Reading, rule: FieldRule) -> Any:
    return Before(None, Basis(reading.record, values=pointed(subject.described.values))).wire(rule)


def _form(subject: Subject, rule: FieldRule, wire: Any, seen: str) -> Iterator[Fact]:
    """Yield that a value has another form than the one described; nothing where it fits, or there is none."""
    said = rule.described
    wanted = _FORMS.get(said.encode or "") or _FORMS.get(said.type or "")
    if wanted is None or wire is None or isinstance(wire, Absent):
        return
    if isinstance(wire, wanted) and (bool in wanted or not isinstance(wire, bool)):
        return
    says = " as ".join(filter(None, (said.type, said.encode)))
    as_text = isinstance(wire, str) and said.type in _AS_TEXTS and not said.encode
    notes = (Note(("resources", subject.type, "fields", rule.name, "encode"), "text"),) if as_text else ()
    remark = '; write encode = "text"' if as_text else ""
    yield Fact(f"form {rule.name}", says, f"{_JSON[type(wire)]}, {shown(wire)}{remark}", seen, True, notes)


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
