"""One sheet for every described API: awkward text, numbers, members of members, sets, clearing, rows for nobody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tests.system.strangers.judge import GONE, Aim, Record
from tests.system.strangers.story import Sheet

TITLES: Final = (
    "plain {}",
    "007 {}",
    "Zürich ß 漢字 🧾 {}",
    'say "hi", it\'s {} \\ back',
    "two\nlines\tand a tab {}",
    "null",
    "true",
    "1e5",
    "<b>&amp; {}</b>",
    "{{id}} {{@ETag}} %2F ../{}?x=1#y",
    "=1+{}",
    "long {} " + "ü" * 2000,
)
CITY: Final = ("metadata", "address", "city")


@dataclass(frozen=True, slots=True)
class Habits:
    """What differs between strangers in how they store the same sheet.

    Attributes:
        cleared: what a cleared note becomes.
        stored: the text that is stored for a text that is sent.
        too_long: whether a code of more than 20 characters is refused.
        is_typed: whether the description knows types; if not, the header says them, and there are no sets.
        extra: columns of its own: for a row's place the cell and the stored value.
    """

    cleared: Any = None
    stored: Callable[[str], str] = lambda text: text
    too_long: bool = True
    is_typed: bool = True
    extra: Mapping[str, Callable[[int], tuple[str, Any]]] = field(default_factory=dict)


def stock(place: int) -> Record:
    """Return the record that stands at this place before anything is sent."""
    return {
        "title": f"old {place}",
        "code": f"c-{place:04}",
        "count": place,
        "active": place % 2 == 0,
        "note": "an old note",
        "kept": "nobody sets this",
        "tags": ["c", "keep"],
        "metadata": {
            "owner": "erp",
            "ratio": 0.1,
            "n": place,
            "old": "to be cleared",
            "address": {"street": "Ring 1", "zip": "007"},
        },
    }


def sheet(type_name: str, identities: Sequence[str], nobody: str, habits: Habits) -> Sheet:
    """Return a sheet with a row for every record, and a second one for some; some are refused, some are for nobody."""
    header = (
        "id", "title", "code", "count", "active", "note", "metadata.batch", "metadata.level:int", "metadata.old",
        "metadata.address.city", "/metadata/a.b", "tags.add", "tags.remove", *habits.extra, "metadata.second",
    )  # fmt: skip
    cells: list[list[str]] = []
    aims: list[Aim] = []
    for place, identity in enumerate(identities):
        row, sets = _row(place, habits)
        cells.append([nobody if place % 41 == 5 else identity, *row, ""])
        aims.append(Aim(cells[-1][0], sets))
    for place in range(0, len(identities), 19):
        if place % 41 != 5:
            cells.append([identities[place], *[""] * (len(header) - 2), "of two"])
            aims.append(Aim(identities[place], {("metadata", "second"): "of two"}))
    if not habits.is_typed:
        return _untyped(Sheet(type_name, header, cells, aims, ("title",)))
    return Sheet(type_name, header, cells, aims, ("title",))


def _untyped(sheet: Sheet) -> Sheet:
    suffixes = {"count": "count:int", "active": "active:bool"}
    kept = [place for place, name in enumerate(sheet.header) if not name.startswith("tags.")]
    header = [suffixes.get(sheet.header[place], sheet.header[place]) for place in kept]
    rows = [[row[place] for place in kept] for row in sheet.rows]
    aims = [Aim(aim.id, {path: value for path, value in aim.sets.items() if path != ("tags",)}) for aim in sheet.aims]
    return replace(sheet, header=header, rows=rows, aims=aims)


def _row(place: int, habits: Habits) -> tuple[list[str], dict[tuple[str, ...], Any]]:
    title = TITLES[place % len(TITLES)].format(place)
    code = f"{place:05}" if place % 23 != 7 or not habits.too_long else "x" * 21
    note = ("<clear>", "", f" padded note {place} ", "0")[place % 4]
    row = [
        title, code, str(place * 3 - 20), ("true", "false", "")[place % 3], note, f" B{place % 7}", str(place),
        "<clear>" if place % 3 else "", "Zürich" if place % 2 else "", f"dotted {place}",
        "a,b" if place % 2 else "a", "c" if place % 5 else "",
    ]  # fmt: skip
    tags = {"c", "keep", "a"} | ({"b"} if place % 2 else set())
    sets: dict[tuple[str, ...], Any] = {
        ("title",): habits.stored(title),
        ("code",): code,
        ("count",): place * 3 - 20,
        ("metadata", "batch"): f" B{place % 7}",
        ("metadata", "level"): place,
        ("metadata", "a.b"): f"dotted {place}",
        ("tags",): sorted(tags - ({"c"} if place % 5 else set())),
    }
    if place % 3 != 2:
        sets["active",] = place % 3 == 0
    if note:
        sets["note",] = habits.cleared if note == "<clear>" else habits.stored(note)
    if place % 3:
        sets["metadata", "old"] = GONE
    if place % 2:
        sets[CITY] = "Zürich"
    for name, column in habits.extra.items():
        cell, value = column(place)
        row.append(cell)
        if cell:
            sets[tuple(name.split("."))] = value
    return row, sets
