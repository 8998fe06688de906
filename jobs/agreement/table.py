"""What a night decides about one field of one record: three ways, line by line, of which the first that fits counts.

| The field | report | overwrite | keep |
| --- | --- | --- | --- |
| a rule clears what was never agreed on | left | left | left |
| no read shows it | sent if the sheet changed, or in doubt | as left | as left |
| the record holds what the sheet says | stands | stands | stands |
| never agreed on | sent | sent | sent if the record holds nothing |
| the record holds what was agreed | sent if the sheet changed | as left | as left |
| else, and its row is gone | left | sent | left |
| else | drifted, or both changed | sent over it | kept |

A doubt is resolved first: the record shows that the update was applied, be it in other capitals or with other blanks,
or that it was not; if it shows neither, it does not hold what was agreed. A record that cannot be read, or is missing,
is not asked about: its memory stays.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from jobs.agreement.model import NEVER_AGREED, Agreed, Clearing, Drift, Kind, Seal, Sealed, Value, unknown_seal
from jobs.changes.equality import same_words
from jobs.model import ABSENT, UNREAD, Unread
from jobs.values import valueclass

Step = Literal["stand", "send", "leave"]
"""The record already is as the sheet says; the field is sent; or it is left as it is, although it differs."""

Same: TypeAlias = Callable[[Value, Value], bool]
"""Tells whether a value that is known or wanted, the first, is what a record holds."""

_NOTHING: Final[tuple[object, ...]] = (None, ABSENT, "", [], {}, ())
"""What a field holds that nobody has filled; 0 and false are values."""


@valueclass(frozen=True, slots=True)
class FieldState:
    """What is known of a field.

    Attributes:
        sheet: what the sheet says; of a clearing, what the field is to be then.
        live: what the record holds; UNREAD where no read shows it.
        agreed: what is remembered.
        drift: the rule of the field.
        clearing: the rule that clears it; None where the sheet itself says what it is to be.
    """

    sheet: Value
    live: Value | Unread
    agreed: Agreed = NEVER_AGREED
    drift: Drift = "report"
    clearing: Clearing | None = None


@valueclass(frozen=True, slots=True)
class Comparison:
    """How the values of a field are compared.

    Attributes:
        same: whether two values are one.
        seal: makes digests. `is_sealed`: the memory has digests of this field.
    """

    same: Same
    seal: Seal = unknown_seal
    is_sealed: bool = False

    def stands(self, known: Value | Sealed | Unread, value: Value) -> bool:
        """Return whether a value is what the memory knows; nothing is what it does not know."""
        if isinstance(known, Unread):
            return False
        return self.seal(value) == known if isinstance(known, Sealed) else self.same(known, value)

    def is_form(self, known: Value | Sealed | Unread, value: Value) -> bool:
        """Return whether a value may be the form in which an API stores a text that the memory knows."""
        return not isinstance(known, Unread | Sealed) and same_words(known, value)

    def kept(self, value: Value) -> Value | Sealed:
        """Return a value as the memory has it."""
        return self.seal(value) if self.is_sealed else value


@valueclass(frozen=True, slots=True)
class Decision:
    """What becomes of a field.

    Attributes:
        kind: what is told of it; None for nothing.
        memory: what is remembered of it from now on, if nothing is sent. An update that is applied makes an agreement
            on the value that was sent, and the one that its reply shows.
    """

    step: Step
    kind: Kind | None
    memory: Agreed


def decide(field: FieldState, by: Comparison) -> Decision:
    """Decide about a field."""
    agreed, sheet, live = field.agreed, field.sheet, field.live
    if field.clearing is not None and not _may_clear(field, by):
        told: Kind = "gone" if field.clearing == "gone" else "not_ours"
        is_clear = not isinstance(live, Unread) and by.same(sheet, live)
        return Decision("leave", "blank" if is_clear else told, agreed)
    if isinstance(live, Unread):
        is_news = not by.stands(agreed.sheet, sheet) or not isinstance(agreed.doubt, Unread)
        return Decision("send" if is_news else "leave", None, agreed)
    if by.same(sheet, live):
        return Decision("stand", None, Agreed(by.kept(sheet), by.kept(live)))
    agreed = _resolved(agreed, live, by)
    if isinstance(agreed.sheet, Unread) and isinstance(agreed.doubt, Unread):
        fills = field.drift != "keep" or live in _NOTHING
        return Decision("send", None, agreed) if fills else Decision("leave", "kept", agreed)
    is_news = not by.stands(agreed.sheet, sheet)
    if isinstance(agreed.doubt, Unread) and by.stands(agreed.stored, live):
        left: Kind = "undone" if agreed.is_undone else "differs"
        return Decision("send", None, agreed) if is_news else Decision("leave", left, agreed)
    return _contested(field, agreed, is_news=is_news)


def _may_clear(field: FieldState, by: Comparison) -> bool:
    """Return whether a rule may clear a field: one that the job has set; for a row that is gone, not yet cleared."""
    known = field.agreed.sheet
    return not isinstance(known, Unread) and not (field.clearing == "gone" and by.stands(known, field.sheet))


def _resolved(agreed: Agreed, live: Value, by: Comparison) -> Agreed:
    """Return what is remembered without its doubt, as far as the record resolves it."""
    if isinstance(agreed.doubt, Unread):
        return agreed
    if by.stands(agreed.doubt, live):
        return Agreed(agreed.doubt, by.kept(live))
    if by.stands(agreed.before, live):
        return replace(agreed, doubt=UNREAD, before=UNREAD)
    return Agreed(agreed.doubt, by.kept(live)) if by.is_form(agreed.doubt, live) else agreed


def _contested(field: FieldState, agreed: Agreed, *, is_news: bool) -> Decision:
    """Decide about a field that somebody else has changed, by its rule; `is_news`: the sheet has changed, too."""
    if field.drift == "overwrite":
        return Decision("send", "overwritten", agreed)
    if field.clearing == "gone":
        return Decision("leave", "gone", agreed)
    if field.drift == "keep":
        return Decision("leave", "kept", agreed)
    return Decision("leave", "both_changed" if is_news else "drifted", agreed)
