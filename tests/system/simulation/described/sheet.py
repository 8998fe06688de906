"""The sheet of a story, the records that it is about, and what each row wants of its record."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from tests.system.simulation.described.world import STATES, World

Key = tuple[str, ...]
Path = tuple[str, ...]

CLEARED: Final = "<clear>"
_IDS: Final = ("t{}", "t-{}", "a/{}", "x|{}", "ü{}", "50%25-{}", "a+{}", "it's {}".replace(" ", "_"), "q?{}", "n.{}")
"""Ids in any characters."""


@dataclass(frozen=True, slots=True)
class Want:
    """One thing that a row wants.

    Attributes:
        path: of the value. `value`: None where it is to be cleared.
        how: `is`, or what a set `has` or `lacks`, or which members an object `holds` besides others.
    """

    path: Path
    value: Any
    how: str = "is"

    @property
    def shown(self) -> bool:
        """Whether a read can show it."""
        return self.path[0] not in {"pin", "ping"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        key: of its record. `code`: by which the row names it, empty where it names the key.
        cells: by column; None clears.
        ends: the status that it must have because it cannot be sent, or empty.
        exists: there is such a record.
        refused: the server refuses what it asks for.
        ghost: it sets a field that the server does not know.
    """

    number: int
    key: Key
    cells: Mapping[str, Any] = field(default_factory=dict)
    wants: tuple[Want, ...] = ()
    code: str = ""
    ends: str = ""
    exists: bool = True
    refused: bool = False
    ghost: bool = False

    @property
    def fires(self) -> bool:
        """Whether it sets off the action."""
        return any(want.path == ("ping",) for want in self.wants)

    @property
    def id(self) -> str:
        """Its record, in one text."""
        return "/".join(self.key)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows, and the records there are."""

    world: World
    rows: Sequence[Row]
    records: Mapping[Key, dict[str, Any]]

    def text(self, form: str) -> str:
        """Return the sheet as a file."""
        lines = [{**self._named(row), **row.cells} for row in self.rows]
        if form == "ndjson":
            return "".join(json.dumps(cells) + "\n" for cells in lines)
        header = list(dict.fromkeys(name for cells in lines for name in cells))
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows([_cell(cells, name) for name in header] for cells in lines)
        return text.getvalue()

    def _named(self, row: Row) -> dict[str, Any]:
        if self.world.finds:
            return {"code": row.code}
        names = self.world.key[1:] if self.world.constant else self.world.key
        return dict(zip(names, row.key[-len(names) :], strict=True))


def _cell(cells: Mapping[str, Any], name: str) -> str:
    if name not in cells:
        return ""
    value = cells[name]
    if value is None:
        return CLEARED
    return value if isinstance(value, str) and name != "extra" else json.dumps(value)


@dataclass(slots=True)
class Maker:
    """Makes a sheet row by row.

    Attributes:
        repeats: probability that a row is about the record of an earlier one.
        wholes: `address` and `labels` are set as wholes, and not by their parts.
    """

    world: World
    dice: Random
    csv: bool
    repeats: float
    wholes: bool
    keys: list[Key] = field(default_factory=list)
    _used: list[Key] = field(default_factory=list)
    _codes: dict[Key, str] = field(default_factory=dict)

    def sheet(self, rows: int) -> Sheet:
        """Return so many rows, and a few records more than they need."""
        self.keys = [self._key(n) for n in range(rows + 3)]
        self.dice.shuffle(self.keys)
        records = {key: self._record(key) for key in self.keys}
        self._codes = {key: f"Code-{n}" for n, key in enumerate(self.keys)}
        if self.world.finds:
            for key, code in self._codes.items():
                records[key]["code"] = code
            records[self.keys[-1]]["code"] = self._codes[self.keys[0]].lower()  # looks alike
        return Sheet(self.world, [self._row(number) for number in range(1, rows + 1)], records)

    def _key(self, n: int) -> Key:
        name = self.dice.choice(_IDS).format(n)
        if "space" not in self.world.key:
            return (name,)
        return ("s1" if self.world.constant else self.dice.choice(("s1", "s/2", "ß")), name)

    def _record(self, key: Key) -> dict[str, Any]:
        dice = self.dice

        def maybe(value: Any) -> Any:
            return value if dice.random() < 0.6 else None

        return {
            "title": f"title of {key[-1]}",
            "note": maybe("a note"),
            "count": maybe(dice.choice((0, 70))),
            "price": maybe(1.25),
            "done": maybe(dice.random() < 0.5),
            "due": maybe("2020-02-02T00:00:00Z"),
            "state": dice.choice(STATES),
            "address": maybe({"city": "Köln", "street": "Domplatte 1", "geo": {"lat": 50.9, "lng": 6.9}}),
            "labels": dice.choice(([], ["old"], ["old", "kept"])),
            "steps": maybe(["one", "two"]),
            "props": maybe({k: {"value": f"p{k}", "hint": f"h{k}"} for k in ("7", "8")}),
            "meta": maybe({"old": ["kept"] if self.world.variants["meta"] == "lists" else "kept"}),
            "extra": maybe({"a": [1, 2.5, {"b": "c"}]}) if self.world.format != "form" else None,
            "owner": maybe("Ada"),
            "net.weight": maybe("10 kg"),
        }

    def _row(self, number: int) -> Row:
        throw = self.dice.random()
        if throw < 0.03:
            return self._missing(number)
        key = self._some_key()
        if throw < 0.06:
            column, value = self.dice.choice((("count", "many"), ("state", "bogus"), ("done", "perhaps")))
            return self._named(Row(number, key, {column: value}, ends="invalid"))
        if throw < 0.08:
            return self._named(Row(number, key, {}, ends="skipped"))
        if throw < 0.11:
            text = f"refuse {number}"
            return self._named(Row(number, key, {"title": text}, (Want(("title",), text),), refused=True))
        return self._named(self._edited(number, key, ghost=throw > 0.985))

    def _edited(self, number: int, key: Key, *, ghost: bool) -> Row:
        """Return a row that changes a few fields."""
        cells: dict[str, Any] = {}
        wants: list[Want] = []
        for _ in range(self.dice.choice((1, 1, 2, 2, 3, 4))):
            name, value, want = self._edit(number)
            if name not in cells and not any(_clash(want, each) for each in wants):
                cells[name] = value
                wants.append(want)
        if ghost:
            cells["ghost"] = f"boo {number}"
        return Row(number, key, cells, tuple(wants), ghost=ghost)

    def _named(self, row: Row) -> Row:
        return replace(row, code=self._codes.get(row.key, f"nobody-{row.number}")) if self.world.finds else row

    def _missing(self, number: int) -> Row:
        key = (*(("s1",) if "space" in self.world.key else ()), f"missing{number}")
        wants = (Want(("title",), f"title {number}"),)
        return self._named(Row(number, key, {"title": f"title {number}"}, wants, exists=False))

    def _some_key(self) -> Key:
        if self._used and self.dice.random() < self.repeats:
            return self._used[-1] if self.dice.random() < 0.5 else self.dice.choice(self._used)
        self._used.append(self.keys[len(self._used)])
        return self._used[-1]

    def _edit(self, number: int) -> tuple[str, Any, Want]:
        """Return a column, its cell, and what it wants."""
        dice, world = self.dice, self.world
        clears = dice.random() < 0.15
        names = [name for name in _VALUES if name != "extra" or self._takes_json]
        name = dice.choice([*names, *_PARTS, *_PARTS] if world.readable else names)
        if name == "ping" and dice.random() < 0.5:
            name = "title"
        if name in _PARTS:
            return _PARTS[name](self, number, clears)
        value = None if clears and name not in _NEVER_CLEARED else _VALUES[name](dice, number)
        return f"/{name}" if "." in name else name, value, Want((name,), value)

    @property
    def _takes_json(self) -> bool:
        """Whether an object can be set as a whole: a form has no types, and a patch sent blindly merges."""
        return self.world.format != "form" and (self.world.readable or self.world.format != "merge_patch")


_VALUES: Final[Mapping[str, Callable[[Random, int], Any]]] = {
    "title": lambda dice, n: dice.choice(("title {}", "title {}", " t {} ")).format(n),
    "note": lambda dice, n: dice.choice(("note {}", "note {}", "  n {}")).format(n),
    "count": lambda dice, n: dice.choice((n, n, 0)),
    "price": lambda _, n: n + 0.5,
    "done": lambda dice, _: dice.random() < 0.5,
    "due": lambda _, n: f"2026-01-{1 + n % 28:02}T00:00:{n % 60:02}Z",
    "state": lambda dice, _: dice.choice(STATES),
    "owner": lambda _, n: f"owner {n}",
    "net.weight": lambda _, n: f"{n} kg",
    "steps": lambda _, n: [f"step {n}", "two, or three"],
    "pin": lambda _, n: f"pin {n}",
    "ping": lambda _, n: f"ping {n}",
    "extra": lambda dice, n: dice.choice(({"n": n}, [n, {"x": None}], f"x{n}")),
}
"""What rows set fields to that are one value."""

_NEVER_CLEARED: Final = frozenset({"title", "done", "state", "pin", "ping"})


def _address(maker: Maker, number: int, clears: bool) -> tuple[str, Any, Want]:  # of a table
    if maker.wholes:
        value = None if clears else {"city": f"city {number}", "geo": {"lat": 1.5}}
        return "address", value, Want(("address",), value, "is" if clears else "holds")
    path = maker.dice.choice((("city",), ("street",), ("zip",), ("geo", "lat")))
    member: Any = number + 0.25 if path[-1] == "lat" else f"{path[-1]} {number}"
    cell = None if clears else member
    return ".".join(("address", *path)), cell, Want(("address", *path), cell)


def _labels(maker: Maker, number: int, clears: bool) -> tuple[str, Any, Want]:  # of a table
    if maker.wholes:
        value = None if clears else [f"l{number}", "kept"]
        return "labels", value, Want(("labels",), value)
    label = maker.dice.choice(("old", "kept", "new", f"l{number}"))
    how = maker.dice.choice(("has", "has", "lacks"))
    column = "labels.add" if how == "has" else "labels.remove"
    return column, label if maker.csv else [label], Want(("labels", label), label, how)


def _props(maker: Maker, number: int, clears: bool) -> tuple[str, Any, Want]:  # of a table
    key, value = maker.dice.choice(("7", "8", "9")), None if clears else f"prop {number}"
    return f"props.{key}", value, Want(("props", key, "value"), value)


def _meta(maker: Maker, number: int, clears: bool) -> tuple[str, Any, Want]:  # of a table
    key, text = maker.dice.choice(("old", "batch", "cost")), None if clears else f"m {number}"
    value = [text] if maker.world.variants["meta"] == "lists" and text is not None else text
    return f"meta.{key}", text if maker.csv else value, Want(("meta", key), value)


_PARTS: Final[Mapping[str, Callable[[Maker, int, bool], tuple[str, Any, Want]]]] = {
    "address": _address,
    "labels": _labels,
    "props": _props,
    "meta": _meta,
}
"""Columns about parts of fields."""


def _clash(one: Want, other: Want) -> bool:
    shorter, longer = sorted((one.path, other.path), key=len)
    return longer[: len(shorter)] == shorter


# what a record is, beside what a row wants


def value_at(values: Mapping[str, Any], path: Path) -> Any:
    """Return what a record holds at a path; None where there is nothing."""
    found: Any = values
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def satisfied(world: World, values: Mapping[str, Any], want: Want) -> bool:
    """Return whether a record is as a row wants it."""
    if want.how in {"has", "lacks"}:
        return (want.value in (values.get(want.path[0]) or [])) == (want.how == "has")
    held, wanted = value_at(values, want.path), want.value
    if want.how == "holds":  # members that it does not name are kept
        return all(value_at(values, path) == each for path, each in leaves({want.path[0]: wanted}, world).items())
    if wanted is None or (world.omits_empty and is_empty(wanted, world)):
        return is_empty(held, world)
    if world.canonical and want.path[0] in {"title", "note"}:
        wanted = wanted.strip()
    if want.path == ("labels",):
        return set(held or []) == set(wanted)
    return bool(held == wanted) or pruned(held, world) == pruned(wanted, world)


def is_empty(value: Any, world: World) -> bool:
    """Return whether a value is as good as absent."""
    if value is None or value in ("", [], {}):
        return True
    if world.omits_empty and (value is False or value == 0):
        return True
    return isinstance(value, Mapping) and all(is_empty(each, world) for each in value.values())


def pruned(value: Any, world: World) -> Any:
    """Return a value without what is as good as absent in it."""
    if not isinstance(value, Mapping):
        return value
    return {name: pruned(each, world) for name, each in value.items() if not is_empty(each, world)}


def leaves(values: Mapping[str, Any], world: World) -> dict[Path, Any]:
    """Return the single values of a record by path, without those that are as good as absent."""
    found: dict[Path, Any] = {}

    def walk(path: Path, value: Any) -> None:
        if path[0] == "labels" and len(path) == 1:
            found.update({(*path, each): each for each in value or []})
        elif isinstance(value, Mapping) and path[0] in {"address", "props", "meta"}:
            for name, each in value.items():
                walk((*path, str(name)), each)
        elif not is_empty(value, world):
            found[path] = deepcopy(value)

    for name, value in values.items():
        walk((name,), value)
    return found


def named_by(want: Want) -> list[Path]:
    """Return the single values that an object names."""

    def walk(path: Path, value: Any) -> list[Path]:
        if isinstance(value, Mapping) and value:
            return [each for name, inner in value.items() for each in walk((*path, name), inner)]
        return [path]

    return walk(want.path, want.value)
