"""What a verification says of a record that it did not get to see."""

import pytest

from jobs.model import Edit
from jobs.restoring import Written, trails
from worker.pages import Found
from worker.verify import Finding, Kept, Verified, _judge

EDITS = (Edit(("attributes", "reference"), "old", "new"),)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Found(missing=frozenset({"x"})), "gone"),  # proven
        (Found(failed={"x": "it answered 403"}), "not readable"),
    ],
)
def test_a_record_is_gone_only_where_that_is_proven(found: Found, why: str) -> None:
    kept = Kept(1, "orders", "x", tuple(trails([Written(1, EDITS, (), True)])))
    verified, told = Verified(), list[Finding]()
    _judge(kept, found, verified, told.append)
    assert [finding.why for finding in told] == [why]
    assert verified.counts == {why: 1}
