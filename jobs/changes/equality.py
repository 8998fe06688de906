"""Whether two values are one: the only rule of sameness, for echoes, plans, canaries, verify and undo alike.

Only equal is equal: `Retail` is not `retail`, "7" is not 7. The exceptions are the forms that the API's schema
declares: a number, a truth value or a moment that was sent as text, a type's name in a list of names, an empty object
for a cleared one. What an API stores otherwise, trimmed or in capitals, is known only from its reply: `Edit.stored`.
What a reply shows may be `tidied` text that the record held before: that is no sign that the update was not taken.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final
from unicodedata import normalize

from jobs.apis.schema import Attribute, Schema
from jobs.changes.exact import ExactNumber
from jobs.model import JSON, Absent, Edit, Path, Unread

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?")


def same(wanted: JSON, value: JSON, attribute: Attribute | None = None) -> bool:
    """Return whether the record holds what is wanted.

    Args:
        wanted: what a row asks for, or what was sent.
        value: what the API shows.
        attribute: what the schema declares of the attribute; None for one that it does not know, and for a key of an
            object, which is stored as it is sent.
    """
    if type(wanted) is str and type(value) is str and wanted == value:
        return True  # nearly always
    if equal(wanted, value):
        return True
    if attribute is None:
        return False
    if attribute.enum:
        name = _named(attribute.enum, wanted)
        return name is not None and name == _named(attribute.enum, value)
    if attribute.empties and (wanted, value) in _NOTHING:
        return True
    form = _FORMS.get(attribute.kind)
    return form is not None and form(wanted, value)


def same_at(path: Path, wanted: JSON | Absent, value: JSON | Absent, schema: Schema) -> bool:
    """Return whether what an edit's path leads to is what is wanted."""
    if isinstance(wanted, Absent) or isinstance(value, Absent):
        return alike_absent(wanted, value, schema)
    kind, name, *key = path
    if kind != "attributes":
        return same(wanted, value)
    return same(wanted, value, schema.declared_in(name, key[0]) if key else schema.declared(name))


def alike_absent(wanted: JSON | Absent, value: JSON | Absent, schema: Schema) -> bool:
    """Return whether two values, one of which is absent, are one: members of a body are cleared by null, too."""
    return wanted is value or (schema.grammar == "members" and (wanted is None or value is None))


def holds(edit: Edit, value: JSON | Absent, schema: Schema) -> bool:
    """Return whether a value is what the edit wrote: the value sent, or the form in which the API said it stores it."""
    if same_at(edit.path, edit.after, value, schema):
        return True
    return not isinstance(edit.stored, Unread) and same_at(edit.path, edit.stored, value, schema)


def replaced(edit: Edit, value: JSON | Absent, schema: Schema) -> bool:
    """Return whether a value is one that the edit replaces, or that earlier rows of the run replaced before it."""
    if isinstance(edit.before, Unread):
        return False
    return any(same_at(edit.path, old, value, schema) for old in (edit.before, *edit.past))


def is_old(edit: Edit, value: JSON | Absent, schema: Schema) -> bool:
    """Return whether only an old value can be meant: the API may have tidied a text into what it held before."""
    return replaced(edit, value, schema) and not tidied(edit.after, value)


def tidied(sent: JSON | Absent, value: JSON | Absent) -> bool:
    """Return whether a value is the text that was sent, as APIs tidy texts when they store them.

    It has lost blanks at its ends, its accents are composed, its line ends are of one kind, or it is an e-mail address
    in lower case, as a whole or in its domain. What was sent to be tidier than the value is another value.
    """
    if not (isinstance(sent, str) and isinstance(value, str)) or sent == value:
        return False
    forms = {sent}
    for tidy in _TIDY:
        forms |= set(map(tidy, forms))
    return value in forms


def same_words(one: JSON | Absent | Unread, other: JSON | Absent | Unread) -> bool:
    """Return whether two texts are the same words, whatever their capitals and the blanks around them.

    Where one was sent and the other stands, an API may have made this of that; or it has ignored a correction.
    """
    return isinstance(one, str) and isinstance(other, str) and _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return normalize("NFC", text.casefold()).split()


def _address(text: str) -> str:
    return text.lower() if "@" in text else text


def _domain(text: str) -> str:
    name, at, domain = text.rpartition("@")
    return f"{name}{at}{domain.lower()}" if at else text


_TIDY: Final[tuple[Callable[[str], str], ...]] = (
    str.strip,
    partial(normalize, "NFC"),
    partial(re.compile(r"\r\n?").sub, "\n"),
    _address,
    _domain,
)
"""What an API may do to a text, each by itself or after those before it."""


def reads_alike(text: JSON, value: JSON) -> bool:
    """Return whether a cell whose column has no type says what is there: the text `7` and 7, `true` and true."""
    if isinstance(value, ExactNumber):
        return text == value.text
    return isinstance(text, str) and isinstance(value, bool | int | float) and text == json.dumps(value)


def equal(one: JSON, other: JSON) -> bool:
    """Return whether two JSON values are equal: true is not 1, 7 is 7.0, keys have no order, text is exact."""
    if isinstance(one, dict):
        if not isinstance(other, dict) or one != other:
            return False
        rest = [key for key, value in one.items() if type(value) is not str]
        return not rest or all(equal(one[key], other[key]) for key in rest)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(equal, one, other))
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _same_number(one: JSON, other: JSON) -> bool:
    """Compare as numbers: `"67"` is 67, `"1.50"` is 1.5."""
    number = _number(one)
    return number is not None and number == _number(other)


def _number(value: JSON) -> Decimal | None:
    if not isinstance(value, int | float | str):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _same_truth(one: JSON, other: JSON) -> bool:
    """Compare as truth values: `"true"` is true."""
    return isinstance(one, bool | str) and isinstance(other, bool | str) and _truth(one) == _truth(other)


def _truth(value: bool | str) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _same_moment(one: JSON, other: JSON) -> bool:
    """Compare as moments: a date is the time stamp that it becomes, and a moment is one in every zone."""
    moment = _moment(one)
    return moment is not None and moment == _moment(other)


def _moment(value: JSON) -> datetime | None:
    """Return the moment that a date or time stamp of ISO 8601 names, in UTC unless it says; None for other values."""
    if not isinstance(value, str) or "-" not in value:  # the form without hyphens could be any number
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _cleared(wanted: JSON, value: JSON) -> bool:
    """Return whether a cleared object came back as an empty one."""
    return wanted is None and value in ({}, [])


def _named(names: tuple[str, ...], value: JSON) -> str | None:
    """Return the name of the list that a value stands for, None for none."""
    return _listed(names, value) if isinstance(value, str) else None


@lru_cache(maxsize=256)
def _listed(names: tuple[str, ...], text: str) -> str | None:
    """Find a name in the list in either of its forms: `AdyenPayment` is `adyen_payments`."""
    if text in names:
        return text
    bare = text.replace("_", "").lower()
    return next((name for name in names if name.replace("_", "") in {bare, f"{bare}s"}), None)


_NOTHING: Final = ((None, ""), ("", None))
"""What a field is that an empty text clears: as it was sent, or as it is shown."""

_FORMS: Final[Mapping[str, Callable[[JSON, JSON], bool]]] = {
    "integer": _same_number,
    "float": _same_number,
    "boolean": _same_truth,
    "date": _same_moment,
    "datetime": _same_moment,
    "object": _cleared,
    "array": _cleared,
    "map": _cleared,
    "keyed": _cleared,
    "set": _cleared,
    "list": _cleared,
}
"""By kind: the forms of one value."""
