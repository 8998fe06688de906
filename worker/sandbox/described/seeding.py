"""The records that a described API begins with: made up from the types of their fields, or read from a file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from jobs.apis.description.model import FieldDescription
from worker.sandbox.described import versions
from worker.sandbox.described.pointers import MISSING, Steps, look, steps_to, store
from worker.sandbox.described.records import Kind, Record, Records
from worker.sandbox.resources import timestamp
from worker.sandbox.seeding import SeedError

COUNT: Final = 200
"""Records of each type, where nobody says how many."""

_OF_MANY: Final = frozenset({"object", "map", "list", "set", "keyed", "json"})
_WORDS: Final = ("Zoë", "red", "Müller & Söhne", "007", "one, two", "blue")
_DAY: Final = 86400
_FEW: Final = 4
_PLAIN: Final[Mapping[str, FieldDescription]] = {
    "title": FieldDescription(type="text"),
    "note": FieldDescription(type="text"),
    "quantity": FieldDescription(type="int"),
    "details": FieldDescription(type="object"),
}
"""Fields of records of which a description says nothing."""


def seed(records: Records, items: tuple[str, ...], values: Mapping[str, str], now: float) -> None:
    """Make the first records.

    Args:
        records: to add them to.
        items: `TYPE=COUNT`, or the path of a JSON file: lists of records by type. None: some of each type.
        values: of variables, by name.
        now: seconds since 1970.

    Raises:
        SeedError: an item names no type, or no such file.
    """
    addresses: set[str] = set()
    for item in items or tuple(f"{name}={COUNT}" for name in records.kinds):
        for type_name, given in _told(records, item, now).items():
            kind = _known(records, type_name)
            if kind.address not in addresses:  # by another name they are there already
                addresses.add(kind.address)
                for number, record in enumerate(given, start=1):
                    _add(records, kind, record, number, values, now)


def made_up(kind: Kind, number: int, now: float) -> dict[str, Any]:
    """Return the record with a number, as a list of records shows it."""
    record: dict[str, Any] = {}
    for steps, described in _fields(kind).items():
        where = kind.fields.shown_at(steps)[len(steps_to(kind.resource.record)) :]
        if look(record, where) is MISSING:
            store(record, where, _value(kind, described, steps, number, now))
    if look(record, steps_to(kind.resource.values)) is MISSING:
        store(record, steps_to(kind.resource.values), {})
    return record


def _told(records: Records, item: str, now: float) -> Mapping[str, Iterable[dict[str, Any]]]:
    """Return the records that an item of the seed tells, by type."""
    name, separator, count = item.partition("=")
    if not separator:
        return _from_file(Path(item))
    kind = _known(records, name)
    if not (count.isascii() and count.isdigit()):
        raise SeedError(f"{item}: the count must be a whole number, as in {name}=200")
    return {name: (made_up(kind, number, now) for number in range(1, int(count) + 1))}


def _fields(kind: Kind) -> Mapping[Steps, FieldDescription]:
    """Return the fields that records show, with some of the usual ones where hardly any are described."""
    listed = kind.fields.listed
    shown = {steps: each for steps, each in listed.items() if not _is_unseen(steps, kind)}
    if sum(not each.read_only for each in shown.values()) >= _FEW:
        return shown
    other = kind.fields.of(("*",))
    plain = [other.model_copy(update={"type": "text"})] * len(_PLAIN) if other.encode == "text" else _PLAIN.values()
    return {**{(name,): each for name, each in zip(_PLAIN, plain, strict=True)}, **shown}


def _is_unseen(steps: Steps, kind: Kind) -> bool:
    above = [kind.fields.of(steps[:depth]) for depth in range(1, len(steps) + 1)]
    return any(each.write_only or each.action for each in above)


def _from_file(path: Path) -> Mapping[str, Iterable[dict[str, Any]]]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SeedError(f"{path}: {error}. A seed is TYPE=COUNT or a JSON file") from error
    lists = list(found.values()) if isinstance(found, dict) else []
    if not lists or not all(isinstance(each, list) and all(isinstance(one, dict) for one in each) for each in lists):
        raise SeedError(f'{path}: write lists of records by type: {{"TYPE": [{{…}}, …]}}')
    return found  # type: ignore[no-any-return]  # that is what it is


def _known(records: Records, name: str) -> Kind:
    if name not in records.kinds:
        raise SeedError(f"{name}: no such type of records; there are {', '.join(records.kinds)}")
    return records.kinds[name]


def _add(
    records: Records, kind: Kind, record: dict[str, Any], number: int, values: Mapping[str, str], now: float
) -> None:
    """Add a record, with its keys and its version."""
    document: dict[str, Any] = {}
    if kind.resource.record:
        store(document, steps_to(kind.resource.record), record)
    else:
        document = record
    for each in records.sharing(kind):
        if look(document, each.key) in {MISSING, None}:
            store(document, each.key, _key(each, number))
        for name in each.variables[:-1]:
            for steps in each.fields.listed:
                if steps[-1] == name and not look(document, each.fields.shown_at(steps)):
                    store(document, each.fields.shown_at(steps), values[name])
    made = Record(tuple(values[name] for name in kind.variables[:-1]), document)
    versions.stamp(made, kind, records, now)
    records.add(kind, made)


def _key(kind: Kind, number: int) -> Any:
    """Return a made-up key: a number where the field is one, or is called so; else a text."""
    name = kind.variables[-1]
    described = kind.fields.listed.get(kind.key[len(kind.fields.values) :])
    if name.lower() in {"number", "num", "no"} or (described and described.type == "int"):
        return number
    if "mail" in name.lower():
        return f"person{number}@example.com"
    return f"{_singular(kind.name)}-{number}"


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s") or name


def _value(kind: Kind, described: FieldDescription, steps: Steps, number: int, now: float) -> Any:
    """Return a made-up value of a field. Some are null, where they can be."""
    name = steps[-1]
    if described.enum:
        value: Any = described.enum[number % len(described.enum)]
        return [value] if described.type in {"list", "set"} else value
    if described.read_only and described.type is None:
        return timestamp(now - number * _DAY) if name.lower().startswith("created") else None
    if described.clear not in {"never", "empty", "omit"} and (number + len(name)) % 7 == 0:
        return [] if described.type in {"list", "set", "keyed"} and not described.sep else None
    members = kind.fields.templates.get((*steps, "*"))
    if described.type == "map" and members is not None:
        return {each: _of_type(members, each, number, now) for each in ("origin", "batch")}
    return _of_type(described, name, number, now)


def _of_type(described: FieldDescription, name: str, number: int, now: float) -> Any:
    kind = described.type or "text"
    if kind in _OF_MANY:
        return _of_many(kind, described, number)
    value = _scalar(kind, name, number, now)
    if described.encode in {"epoch", "epoch_ms"}:
        seconds = int(now) - number * _DAY
        return seconds if described.encode == "epoch" else seconds * 1000
    if described.encode == "text":
        return value if isinstance(value, str) else json.dumps(value)
    return [value] if described.encode == "list" else value


def _of_many(kind: str, described: FieldDescription, number: int) -> Any:
    """Return a made-up value with parts."""
    if kind in {"list", "set"}:
        return _elements(described, number)
    if kind == "keyed":
        key, _, form = described.key.partition(":")
        keys = (101, 102) if form == "int" else ("first", "second")
        return [{key: each, described.value: _words(number + place)} for place, each in enumerate(keys)]
    if kind == "map":
        return {"origin": _element(described, number), "batch": _element(described, number + 1)}
    return {"colour": _words(number), "size": number % 5} if kind == "object" else {"made": "up"}


def _scalar(kind: str, name: str, number: int, now: float) -> Any:
    moment = timestamp(now - number * _DAY)
    made = {
        "int": number % 50,
        "float": number + 0.5,
        "bool": number % 2 == 0,
        "date": moment[:10],
        "datetime": f"{moment[:19]}Z",
    }
    if kind in made:
        return made[kind]
    if "mail" in name.lower():
        return f"person{number}@example.com"
    return f"{name} {number}" if number % 3 else f"{name} {_words(number)}"


def _elements(described: FieldDescription, number: int) -> Any:
    elements = [_element(described, number), _element(described, number + 1)]
    if described.sep:
        return described.sep.join(map(str, elements))
    if not described.item:
        return elements
    objects: list[Any] = elements
    for step in reversed(steps_to(described.item)):
        objects = [{step: each} for each in objects]
    return objects


def _element(described: FieldDescription, number: int) -> Any:
    if described.of == "text":
        return ("red", "blue", "green", "black")[number % 4]
    return _scalar(described.of, "", number, 0.0) if described.of != "json" else {"made": "up"}


def _words(number: int) -> str:
    return _WORDS[number % len(_WORDS)]
