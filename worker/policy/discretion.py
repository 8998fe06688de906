"""What may be said of a row in a run that has private fields.

What a server says is not quoted in such a run at all (`Reply.is_quotable`), and values are concealed where they are
shown (`Private.concealed`). Here it is about our own words, before they are written down: the journal has none that
show a private value, nor has anything that is made of it.
"""

from dataclasses import replace
from typing import Final

from jobs.reasons import REASONS
from jobs.recipe.fields import Private
from worker.policy.verdict import Settle

_WITHOUT_VALUES: Final = frozenset({"drifted", "kept", "undone", "both_changed"})
"""Reasons whose messages show no private value: a night knows only digests of them."""


def discreet(settle: Settle, private: Private) -> Settle:
    """Return how a row ends; in place of a message about a private field stands the meaning of its reason."""
    if not (private and settle.message) or settle.reason in _WITHOUT_VALUES:
        return settle
    is_about = any(map(private.covers, settle.fields))
    return replace(settle, message=REASONS[settle.reason].meaning) if is_about else settle
