"""The draft of a recipe from the first rows of a sheet: what is certain as it is, what is guessed as a comment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Final

from jobs.printable import printable
from jobs.recipe.notation import Notation, Unfit, notation_of
from jobs.recipe.view_model import ColumnRecipe
from jobs.texts import shortened
from jobs.toml.writing import inline, key_of
from jobs.values import valueclass

_DAYS: Final = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%y")
_FORMS: Final = tuple(f"{day}{clock}" for day in _DAYS for clock in ("", " %H:%M", " %H:%M:%S"))
_BOTH: Final[tuple[Mapping[str, bool], ...]] = tuple(
    {yes: True, no: False}
    for yes, no in (
        ("Ja", "Nein"), ("ja", "nein"), ("J", "N"), ("Yes", "No"), ("yes", "no"), ("Y", "N"), ("WAHR", "FALSCH"),
        ("VRAI", "FAUX"), ("Oui", "Non"), ("Sí", "No"), ("on", "off"),
    )
)  # fmt: skip
_LIKELY_KEYS: Final = ("id", "ID", "Id")
_UNKNOWN: Final = "FIELD"


@valueclass(frozen=True, slots=True)
class Seen:
    """What was seen of a sheet.

    Attributes:
        source: path for the recipe. `settings`: other values of it, by key. `reading`: those of `[input]`.
        header: names of the columns. `rows`: cells of the first rows.
    """

    source: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, str | int] = field(default_factory=dict)


@valueclass(frozen=True, slots=True)
class _Found:
    """The notation that cells seem to have. `evidence`: in words; `is_certain`: no other would do."""

    keys: Mapping[str, object]
    evidence: str
    is_certain: bool


def draft(seen: Seen, field_of: Callable[[str], str]) -> str:
    """Return the text of a recipe.

    Args:
        seen: of the sheet.
        field_of: returns the field of the API that a column is certainly for; empty if that is not known.
    """
    fields = {name: field_of(name) for name in seen.header}
    key = next((name for name in _LIKELY_KEYS if name in seen.header), "")
    if key and not {"id", "reference"} & set(fields.values()):
        fields[key] = "id"
    is_open = bool({"id", "reference"} & set(fields.values()))
    return "".join(f"{line}\n" for line in _lines(seen, fields, is_open=is_open))


def _lines(seen: Seen, fields: Mapping[str, str], *, is_open: bool) -> Iterator[str]:
    yield printable(f"# A recipe for {seen.source}, drafted from its header and its first {len(seen.rows)} rows.")
    yield "# A line that begins with # is a guess, or needs the name of a field: look at it, and take the # away."
    yield f"source = {inline(seen.source)}  # * stands for any part of a name; the newest file counts"
    for name, value in seen.settings.items():
        yield f"{name} = {inline(value)}"
    if is_open and "id" not in fields.values():
        yield 'key = "reference"'
    if seen.reading:
        yield "\n[input]"
        for name, said in seen.reading.items():
            yield f"{name} = {inline(said)}"
    yield "\n[columns]  # FIELD of the API = column of the sheet; names with dots in quotes"
    if not is_open:
        yield '# None of the columns is certainly the id: write id = "COLUMN" (or reference), then the others.'
    for position, name in enumerate(seen.header):
        yield from _column(name, fields[name], [row[position] for row in seen.rows if position < len(row)], is_open)


def _column(name: str, target: str, cells: Sequence[str], is_open: bool) -> Iterator[str]:  # one caller
    found = _notation([cell for cell in cells if cell])
    if found:
        yield printable(f"# {name}: {found.evidence}")
    said: object = {"column": name, **found.keys} if found else name
    if found and not found.is_certain and target and is_open:  # the field is known, its notation is not
        yield f"# {key_of(target)} = {inline(said)}"
        return
    sure = target and is_open
    yield f"{'' if sure else '# '}{key_of(target or _UNKNOWN)} = {inline(said)}"


def _notation(cells: Sequence[str]) -> _Found | None:
    """Return the notation of cells that need one; None for those that are plain, or alike in nothing."""
    if not cells:
        return None
    return _numbers(cells) or _dates(cells) or _both(cells)


def _numbers(cells: Sequence[str]) -> _Found | None:
    if not any(mark in cell for cell in cells for mark in ",'") and _fits(cells, {"decimal": "."}):
        return None  # plain already
    ways = [keys for keys in _number_ways() if _fits(cells, keys)]
    if not ways:
        return _mostly_numbers(cells)
    keys = ways[0]
    example = max(cells, key=lambda cell: (sum(mark in cell for mark in ",.' "), len(cell)))
    mark = "comma" if keys["decimal"] == "," else "point"
    said = f"numbers with a decimal {mark}, like {shortened(example, 30)} ({len(cells)} of {len(cells)} cells)"
    others = {str(way["decimal"]) for way in ways}
    if len(others) > 1:
        return _Found(keys, f"{said}; a decimal point would fit, too", is_certain=False)
    return _Found(keys, said, is_certain=True)


def _mostly_numbers(cells: Sequence[str]) -> _Found | None:
    """Return the notation that more than half of the cells have, with one that has another."""
    keys, others = min(
        ((keys, [cell for cell in cells if not _fits([cell], keys)]) for keys in _number_ways()),
        key=lambda way: len(way[1]),
    )
    if 2 * len(others) >= len(cells):
        return None
    said = f"numbers in {len(cells) - len(others)} of {len(cells)} cells; not {shortened(others[0], 30)}"
    return _Found(keys, said, is_certain=False)


def _number_ways() -> Iterator[dict[str, object]]:
    for decimal, marks in ((",", (".", "'", " ")), (".", (",", "'", " "))):
        yield {"decimal": decimal}
        for mark in marks:
            yield {"decimal": decimal, "thousands": mark}


def _dates(cells: Sequence[str]) -> _Found | None:
    forms = [form for form in _FORMS if _fits(cells, {"date": form})]
    if not forms:
        return None
    said = f"dates like {shortened(cells[0], 30)} ({len(cells)} of {len(cells)} cells)"
    if len(forms) > 1:
        return _Found({"date": forms[0]}, f"{said}; {forms[1]} would fit, too", is_certain=False)
    return _Found({"date": forms[0]}, said, is_certain=True)


def _both(cells: Sequence[str]) -> _Found | None:
    values = set(cells)
    for both in _BOTH:
        if values == set(both):
            return _Found({"map": both}, f"only {' and '.join(both)}: perhaps true and false", is_certain=False)
    return None


def _fits(cells: Sequence[str], keys: Mapping[str, object]) -> bool:
    notation = notation_of(ColumnRecipe.model_validate({"column": "x", **keys}))
    return notation is not None and all(_takes(notation, cell) for cell in cells)


def _takes(notation: Notation, cell: str) -> bool:
    with suppress(Unfit):
        notation.text(cell)
        return True
    return False
