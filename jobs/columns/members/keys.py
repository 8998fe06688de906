"""Which record a row is about: the variables of its path, or another field that it is found by."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from jobs.apis.description.keys import key_of, reference_of
from jobs.apis.schema import ResourceType, Schema, Variable
from jobs.columns.cells import as_shown
from jobs.columns.finish import reference_fault
from jobs.columns.grammar import Heading
from jobs.columns.problems import NotAColumn, RowRefused
from jobs.columns.rules import Rules
from jobs.columns.targets import Check, refuse_clearing
from jobs.damage.kinds import SPREADSHEET_ERRORS
from jobs.formats.headings import Keys
from jobs.values import valueclass

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MISSING: Final = "id_missing"

_EDGES: Final = "\ufeff\u200b\u200c\u200d\u2060"
"""What has no glyph and is no white space: at the edge of a key it is an accident."""

_CASES: Final[Mapping[str, Callable[[str], str]]] = {"": str, "lower": str.lower, "upper": str.upper}


@valueclass(frozen=True, slots=True)
class Naming:
    """How the rows of one resource name their records.

    Attributes:
        names: of all columns, or members, that say which record is meant: variables first.
        parts: the key in the order of its path: a variable, or the constant that stands there.
        by: field that the record is found by instead of a variable; empty for none.
    """

    names: tuple[str, ...]
    parts: tuple[Variable | str, ...]
    by: str = ""

    def record(self, text_of: Callable[[str], str]) -> tuple[str, str]:
        """Return the key of a row's record, or else its reference.

        Args:
            text_of: returns what the row says in the column of that name.

        Raises:
            RowRefused: a column is empty, or cannot name a record. Its `column` is the name.
        """
        values = []
        for part in self.parts:
            if isinstance(part, str):
                values.append(part)
            else:
                text = text_of(part.name)
                check_key(part.name, text, first=part.name == self.names[0])
                values.append(in_case(part, text))
        if not self.by:
            return key_of(values), ""
        text = text_of(self.by)
        check_reference(self.by, text)
        return "", reference_of(values, self.by, text)


def in_case(variable: Variable, text: str) -> str:
    """Return the value of a variable as the path has it: some APIs take capitals for small letters."""
    return _CASES[variable.case](text)


def naming_of(kind: ResourceType, columns: Collection[str], fields: Collection[str], schema: Schema) -> Naming:
    """Return how rows name their records.

    Args:
        kind: the resource.
        columns: variables that have columns of their own.
        fields: names of the other columns.
        schema: knows the constants.

    Raises:
        NotAColumn: they do not, or in more than one way. The message says what is missing.
    """
    missing = missing_of(kind, columns, schema)
    sought, finders = schema.sought(kind.name), [name for name in kind.finders if name in fields]
    by = ""
    if missing == [sought] and len(finders) == 1:
        by = finders[0]
    elif missing == [sought] and finders:
        listed = " and ".join(f"`{name}`" for name in finders)
        raise NotAColumn(f"{listed} can each name the record: keep one of them, or add a column `{sought}`", _MISSING)
    elif missing:
        raise NotAColumn(_missing(missing, kind, schema, sought), _MISSING)
    said = tuple(name for name in schema.keys(kind.name) if name in columns)
    parts = (each if each.name in columns else schema.constants.get(each.name) for each in kind.variables)
    return Naming((*said, by) if by else said, tuple(filter(None, parts)), by)


def missing_of(kind: ResourceType, columns: Collection[str], schema: Schema) -> list[str]:
    """Return the variables of a record's path that neither columns nor constants say."""
    return [name for name in schema.keys(kind.name) if name not in columns and name not in schema.constants]


def _missing(names: Sequence[str], kind: ResourceType, schema: Schema, sought: str) -> str:
    name = names[0]
    if name in schema.fixed:
        return f"`{name}` is a part of the API's address and has no value: pass --set {name}=VALUE"
    if len(names) > 1:
        listed = " and ".join(f"`{each}`" for each in names)
        flags = " ".join(f"--set {each}=VALUE" for each in names if each != sought)
        told = "each row must say which record it updates. For what is the same for all rows, pass"
        return f"there are no columns {listed}: {told} {flags}"
    said = f"there is no column `{name}`: each row must say which record it updates"
    if name == sought and kind.finders:
        listed = " or ".join(f"`{each}`" for each in kind.finders)
        return f"{said}. A column {listed} will do too: the records are then looked up by it"
    return f"{said}. If it is the same for all rows, pass --set {name}=VALUE" if len(kind.variables) > 1 else said


def check_key(name: str, text: str, *, first: bool) -> None:
    """Check that a text can be a part of a record's key; `#` begins a comment in the first of them.

    Raises:
        RowRefused: it cannot, or the row is a comment.
    """
    if not text:
        raise RowRefused("id_missing", f"the row does not say which record it updates: `{name}` is empty", name)
    if first and text[0] == "#" and text not in SPREADSHEET_ERRORS:
        raise RowRefused("comment", f"`{name}` begins with `#`: a comment", name, as_shown(text))
    if fault := _key_fault(text):
        raise RowRefused("id_malformed", fault).at(name, as_shown(text))


def _key_fault(text: str) -> str:
    if text.isalnum():
        return ""
    if text in {".", ".."}:
        return f"'{text}' is a path, not an id"
    if text in SPREADSHEET_ERRORS:
        return f"'{text}' is a spreadsheet's error: its formula found no id"
    if found := _CONTROL.search(text):
        return f"character {found.start() + 1} is U+{ord(found[0]):04X}, which no id contains"
    if text != text.strip().strip(_EDGES):
        return "there is white space, or a character without a glyph, before or after it: take it out"
    return ""


def check_reference(name: str, text: str) -> None:
    """Check that a record can be looked up by a text.

    Raises:
        RowRefused: it cannot.
    """
    if not text:
        raise RowRefused("id_missing", f"the row does not say which record it updates: `{name}` is empty", name)
    if fault := reference_fault(text):
        raise RowRefused("reference_malformed", fault).at(name, as_shown(text))


def keys_in(type_name: str, schema: Schema) -> Keys:
    """Return the columns that may name the records of a type, or of any type where rows name theirs.

    The last variable of a path comes first: the others may be the same in all rows.
    """
    kinds = list(filter(None, [schema.resource_type(type_name)])) if type_name else schema.kinds
    parts = dict.fromkeys(variable.name for kind in kinds for variable in reversed(kind.variables))
    finders = dict.fromkeys(name for kind in kinds for name in kind.finders)
    return Keys(tuple(parts), tuple(finders), "" if type_name else "type")


class KeyColumns:
    """The columns of a sheet that say which record is meant: see `jobs.columns.targets.Target`.

    The header has been checked, so that the rows of some resource can name their records.
    """

    def __init__(self, headings: Sequence[Heading], rules: Rules) -> None:
        """Find them among the headings of a sheet."""
        self._rules = rules
        self._keys = {each.label: index for index, each in enumerate(headings) if each.form == "key"}
        self._fields = {each.label: index for index, each in enumerate(headings) if each.form == "field"}
        self._namings: dict[str, Naming | NotAColumn | None] = {}
        kinds = filter(None, [rules.schema.resource_type(rules.type)]) if rules.type else rules.schema.kinds
        namings = (naming_or_fault(kind, self._keys, self._fields, rules.schema) for kind in kinds)
        names = next(naming.names for naming in namings if isinstance(naming, Naming))
        self._first = names[0] if names else ""
        self.position = self._position(self._first) if names else 0
        self.by_id = self._first in self._keys

    def check(self, text: str) -> None:
        """Check a cell of the first column."""
        self._check_of(self._first)(text)

    def named(self, cells: Sequence[str], type_name: str) -> tuple[str, str]:
        """Return the key of the record, or else its reference; neither for a type that there is not."""
        naming = self._of_type(type_name)
        if naming is None:
            return "", ""
        if isinstance(naming, NotAColumn):
            raise RowRefused(naming.reason, naming.message)
        for name in naming.names:
            refuse_clearing(cells[self._position(name)], self._rules.clear_token, name)
        return naming.record(lambda name: cells[self._position(name)])

    def checks(self, type_name: str) -> Iterable[tuple[int, Check]]:
        """Return the positions of the columns with the check of each."""
        naming = self._of_type(type_name)
        names = naming.names if isinstance(naming, Naming) else ()
        return [(self._position(name), self._check_of(name)) for name in names]

    def besides(self, type_name: str) -> Collection[int]:
        """Return the position of the field that records of the type are found by."""
        naming = self._of_type(type_name)
        return {self._fields[naming.by]} if isinstance(naming, Naming) and naming.by else ()

    def record(self, cells: Sequence[str], type_name: str) -> str:
        """Return type, and key or reference; an empty text where the row names no record."""
        try:
            return record_of(type_name, *self.named(cells, type_name))
        except RowRefused:
            return ""

    def _position(self, name: str) -> int:
        return self._keys[name] if name in self._keys else self._fields[name]

    def _check_of(self, name: str) -> Check:
        if name in self._keys:
            return partial(check_key, name, first=name == self._first)
        return partial(check_reference, name)

    def _of_type(self, type_name: str) -> Naming | NotAColumn | None:
        """Return how rows of a type name their records, or why they do not; None for a type that there is not."""
        if type_name not in self._namings:
            kind, schema = self._rules.schema.resource_type(type_name), self._rules.schema
            self._namings[type_name] = naming_or_fault(kind, self._keys, self._fields, schema) if kind else None
        return self._namings[type_name]


def record_of(type_name: str, key: str, reference: str) -> str:
    """Return a text that is equal for two rows of one record; empty for a row that names none."""
    if not key:
        return f"{type_name} reference {reference}" if reference else ""
    return f"{type_name} {key}"


def naming_or_fault(
    kind: ResourceType, columns: Collection[str], fields: Collection[str], schema: Schema
) -> Naming | NotAColumn:
    """Return how rows name their records, or why they do not: see `naming_of`."""
    try:
        return naming_of(kind, columns, fields, schema)
    except NotAColumn as error:
        return error
