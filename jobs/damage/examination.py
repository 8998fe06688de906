"""All detectors at once, over batches of rows. Nothing in memory grows with their number."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from jobs.damage import dates, ids, numbers, words
from jobs.damage.characters import has
from jobs.damage.column import Column, Seen, Sign
from jobs.damage.shifted import Shifted
from jobs.damage.stored import Storage
from jobs.formats.stored import Stored
from jobs.model import RowRef

BATCH: Final = 1024
"""Rows that are looked at together: most of the work is done once for all of them."""

MAX_MEMBERS: Final = 1_000
"""Names that are looked at in an NDJSON input, whose objects may all have different ones."""

_OF_TEN_LETTER_IDS: Final[tuple[Callable[[Seen], Sign | None], ...]] = (ids.unusual, ids.case_lost)

_DETECTORS: Final[tuple[Callable[[Seen], Sign | None], ...]] = (
    numbers.leading_zeros,
    numbers.scientific,
    numbers.digits_lost,
    numbers.whole_as_decimal,
    dates.date_for_code,
    dates.no_such_date,
    words.spreadsheet_error,
    words.formula,
    words.wrapped,
    words.guarded,
    words.null_word,
    words.foreign_boolean,
    words.boolean_as_text,
    numbers.decimal_comma,
    numbers.currency,
    numbers.percent,
    numbers.thousands,
    numbers.noise,
    numbers.mixed,
)

_EVIDENCE: Final = {
    "mojibake": "they have pairs like Ã© or â€™, or the replacement character",
    "invisible_character": "they have a character without a glyph, or a special space within a code",
    "typographic_character": "they have a curly quote or a long dash",
    "spaces_around": "they have white space at their edges",
}


class Examination:
    """Looks at the rows of one input for damage."""

    def __init__(self, columns: Sequence[Column] = (), clear: str = "", *, ten_letter_ids: bool = False) -> None:
        """Look for damage.

        Args:
            columns: of a sheet; none for objects, whose members become known as they come.
            clear: text of a sheet's cell that clears the field.
            ten_letter_ids: the API gives ids of ten letters, so that others are odd.
        """
        self._columns = [Seen(column, clear) for column in columns]
        self._storage = [Storage(column) for column in columns]
        self._members: dict[str, Seen] = {}
        self._shifted = Shifted(self._columns)
        self._detectors = (*_OF_TEN_LETTER_IDS, *_DETECTORS) if ten_letter_ids else _DETECTORS

    @property
    def shifted(self) -> set[int]:
        """Numbers of the first rows that are shifted."""
        return self._shifted.rows

    @property
    def cleared(self) -> int:
        """Cells that clear their fields, of all rows that were taken in."""
        return sum(seen.cleared for seen in self._columns)

    def see_rows(
        self,
        refs: Sequence[RowRef],
        rows: Sequence[Sequence[str]],
        stored: Sequence[Sequence[Stored]] = (),
    ) -> None:
        """Take in rows of a sheet, each with a cell for every column; of a workbook, also how it stored them."""
        if not refs:
            return
        by_position = list(zip(*rows, strict=True))
        cells = [by_position[seen.column.position] for seen in self._columns]
        kinds = [seen.see(refs, each) for seen, each in zip(self._columns, cells, strict=True)]
        self._shifted.see(refs, cells, kinds)
        if stored:
            hows = list(zip(*stored, strict=True))
            for storage in self._storage:
                position = storage.column.position
                storage.see(refs, by_position[position], hows[position])

    def see_objects(self, refs: Sequence[RowRef], objects: Sequence[Mapping[str, str]]) -> None:
        """Take in objects: the members that are text, by their names."""
        by_name: dict[str, tuple[list[RowRef], list[str]]] = {}
        for ref, members in zip(refs, objects, strict=True):
            for name, text in members.items():
                where, texts = by_name.setdefault(name, ([], []))
                where.append(ref)
                texts.append(text)
        for name, (where, texts) in by_name.items():
            seen = self._members.get(name)
            if seen is None:
                if len(self._members) >= MAX_MEMBERS:
                    continue
                seen = self._members[name] = Seen(Column(name, "id" if name == "id" else "text"))
            seen.see(where, texts)

    def signs(self) -> list[Sign]:
        """Return the damage that was found, column by column."""
        found = [sign for storage in self._storage for sign in storage.signs()]
        told = {(sign.code, sign.column.label) for sign in found}
        for seen in (*self._columns, *self._members.values()):
            found += [sign for sign in self._signs(seen) if (sign.code, sign.column.label) not in told]
        shifted = self._shifted.sign()
        return [*found, shifted] if shifted else found

    def _signs(self, seen: Seen) -> Iterator[Sign]:
        for detect in self._detectors:
            if sign := detect(seen):
                yield sign
        for mark, tally in seen.marks.items():
            yield seen.sign(mark, tally, _EVIDENCE[mark], partial(has, mark))
