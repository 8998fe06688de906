"""Whether two values are one: what a row asks for and what the API holds, allowing for the forms it stores things in.

`same` is generous: it judges the echo of what was just sent. `stands` is strict: it decides that a row need not be sent
at all, and `eur` -> `EUR` may be the very change that somebody wants. `identical` allows for nothing: it is for values
that the API itself gave.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Protocol

from jobs.catalogue import Attribute
from jobs.model import JSON

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?")
_NAME: Final = re.compile(r"[A-Za-z_]+")

_FOLDED: Final = ("email", "country_code", "currency_code", "language_code", "state_code", "_type")
"""Endings of text attributes that the API stores in a form of its own: `eur` as `EUR`, type names in snake case."""

_STORED_APART: Final = frozenset({"integer", "float", "boolean", "datetime"})
"""Kinds of attributes whose stored form differs from the text that was sent: `"67"` is 67, a date a full time stamp."""


class Comparison(Protocol):
    """Whether the record already holds what is wanted."""

    def __call__(self, wanted: JSON, live: JSON, attribute: Attribute | None = None, name: str = "", /) -> bool:
        """See `stands`, and `identical`."""


def identical(wanted: JSON, live: JSON, _attribute: Attribute | None = None, _name: str = "") -> bool:
    """Whether the record holds the very value, type by type; what is wanted was read from the API at some time."""
    return _equal(wanted, live) or (wanted is None and live in ({}, []))  # a cleared object may come back as empty


def stands(wanted: JSON, live: JSON, attribute: Attribute | None = None, name: str = "") -> bool:
    """Whether the record already holds what is wanted, so that sending it would change nothing.

    Args:
        wanted: the row's value.
        live: what was read.
        attribute: what the catalogue knows of the attribute; None for a key of an object, which is stored as sent.
        name: of the attribute.
    """
    if identical(wanted, live):
        return True
    if wanted is None:
        return False
    if attribute is None and not name:
        return _reads_alike(wanted, live)
    if attribute is not None and (attribute.enum or attribute.kind in _STORED_APART):
        return same(wanted, live)
    if isinstance(wanted, str) and isinstance(live, str):
        return name.endswith(_FOLDED) and (wanted.casefold() == live.casefold() or same(wanted, live))
    return not isinstance(live, Mapping | list | None) and same(wanted, live)


def same(sent: JSON, echoed: JSON) -> bool:
    """Whether the echo is the value sent, allowing for the canonical forms the API stores.

    `"67"` comes back as 67, `"AdyenPayment"` as `"adyen_payments"`, a date as a full time stamp.
    """
    if type(sent) is str and type(echoed) is str and sent == echoed:
        return True  # nearly always: to ask what a value is in the abstract takes longer than all the rest
    if isinstance(sent, dict) and isinstance(echoed, dict):
        return sent.keys() == echoed.keys() and all(map(same, sent.values(), map(echoed.get, sent)))
    if isinstance(sent, list | tuple) and isinstance(echoed, list | tuple):
        return len(sent) == len(echoed) and all(map(same, sent, echoed))
    if sent is None or echoed is None or isinstance(sent, Mapping | list) or isinstance(echoed, Mapping | list):
        return sent is echoed
    if isinstance(sent, bool) == isinstance(echoed, bool) and sent == echoed:
        return True
    one, other = _as_text(sent), _as_text(echoed)
    return one == other or _same_number(one, other) or _same_name(one, other) or _same_moment(one, other)


def _equal(one: JSON, other: JSON) -> bool:
    """The same JSON value: true is not 1, 7 is 7.0, keys have no order, an object's text is exact."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(map(_equal, one.values(), map(other.get, one)))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return one == other and (type(one) is type(other) or {type(one), type(other)} == {int, float})


def _reads_alike(wanted: JSON, live: JSON) -> bool:
    """A cell's text `7` and a live 7: only who says a type in the header wants another."""
    return isinstance(wanted, str) and _is_scalar(live) and wanted == json.dumps(live)


def _is_scalar(value: JSON) -> bool:
    return isinstance(value, bool | int | float)


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _same_number(one: str, other: str) -> bool:
    """`"67"` and 67, `"1.50"` and 1.5."""
    if not (_NUMBER.fullmatch(one) and _NUMBER.fullmatch(other)):
        return False
    return Decimal(one) == Decimal(other)


def _same_name(one: str, other: str) -> bool:
    """`"EUR"` and `"eur"`, `"AdyenPayment"` and `"adyen_payments"`: identifiers only."""
    if not (_NAME.fullmatch(one) and _NAME.fullmatch(other)):
        return False
    bare, stored = one.replace("_", "").lower(), other.replace("_", "").lower()
    return bare == stored or (bare + "s" == stored and "_" in other)


def _same_moment(one: str, other: str) -> bool:
    moment = _moment(one)
    return moment is not None and moment == _moment(other)


def _moment(value: str) -> datetime | None:
    """The moment that a date or time stamp of ISO 8601 names, in UTC where it does not say; None for other values."""
    if "-" not in value:  # the form without hyphens could be any number
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)
