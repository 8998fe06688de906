"""Whether the API's echo of a value is the value that was sent, allowing for the forms it stores things in."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from jobs.model import JSON

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?")
_NAME: Final = re.compile(r"[A-Za-z_]+")


def same(sent: JSON, echoed: JSON) -> bool:
    """Whether the echo is the value sent, allowing for the canonical forms the API stores.

    `"67"` comes back as 67, `"AdyenPayment"` as `"adyen_payments"`, a date as a full time stamp.
    """
    if isinstance(sent, Mapping) and isinstance(echoed, Mapping):
        return sent.keys() == echoed.keys() and all(same(sent[key], echoed[key]) for key in sent)
    if isinstance(sent, list | tuple) and isinstance(echoed, list | tuple):
        return len(sent) == len(echoed) and all(map(same, sent, echoed))
    if sent is None or echoed is None or isinstance(sent, Mapping | list) or isinstance(echoed, Mapping | list):
        return sent is echoed
    if isinstance(sent, bool) == isinstance(echoed, bool) and sent == echoed:
        return True
    one, other = _as_text(sent), _as_text(echoed)
    return one == other or _same_number(one, other) or _same_name(one, other) or _same_moment(one, other)


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
