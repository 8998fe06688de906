"""What our own words say of private fields: the meaning of the reason, and no more."""

import pytest

from jobs.reasons import REASONS
from jobs.recipe.fields import NOTHING_PRIVATE, Private
from worker.policy.discretion import discreet
from worker.policy.verdict import Settle

PRIVATE = Private(paths=frozenset({("attributes", "metadata", "note")}))


@pytest.mark.parametrize(
    ("settle", "shown"),
    [
        (Settle("changed_since_plan", 'metadata.note was "a"', ("metadata.note",)), False),
        (Settle("server_error", 'metadata was {"note": "a"}', ("reference", "metadata")), False),
        (Settle("changed_since_plan", 'reference was "a"', ("reference",)), True),
        (Settle("unreachable", "no route to the host"), True),
        (Settle("drifted", "metadata.note not sent, drifted", ("metadata.note",)), True),  # from digests
        (Settle("", "", ("metadata.note",)), True),
    ],
)
def test_a_message_about_a_private_field_is_the_meaning_of_its_reason(settle: Settle, shown: bool) -> None:
    told = discreet(settle, PRIVATE)
    assert told.message == (settle.message if shown else REASONS[settle.reason].meaning)
    assert (told.reason, told.fields) == (settle.reason, settle.fields)
    assert discreet(settle, NOTHING_PRIVATE) is settle
