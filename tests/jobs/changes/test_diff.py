"""What a row becomes on the wire."""

import pytest

from jobs.changes.diff import as_written
from jobs.model import ABSENT, JSON, Link, RowRef, UpdateJob

REF = RowRef(1, 2, b"")
ORDER: dict[str, Link | tuple[Link, ...] | None] = {"order": Link("orders", "oRdErIdXyZ")}


def job(**parts: object) -> UpdateJob:
    return UpdateJob(REF, "stripe_payments", "xAyBzCwDvE", **parts)  # type: ignore[arg-type]  # a table's parts


@pytest.mark.parametrize(
    ("asked", "attributes"),
    [
        (job(), {}),
        (job(attributes={"reference": "R", "metadata": None}), {"reference": "R", "metadata": None}),
        # members stand for the whole object
        (job(members={"metadata": {"a": "1", "b": 2}}), {"metadata": {"a": "1", "b": 2}}),
        # a member to remove is simply not there; null is a value
        (job(members={"metadata": {"a": ABSENT, "b": None}}), {"metadata": {"b": None}}),
        (job(members={"metadata": {"a": ABSENT}}), {"metadata": {}}),
        (job(triggers={"_refresh": True}), {"_refresh": True}),
        (job(add_tags=("vip", "sale")), {"_add_tags": "vip,sale"}),
        (job(remove_tags=("vip",)), {"_remove_tags": "vip"}),
        (
            job(attributes={"reference": "R"}, members={"options": {"k": 1}}, triggers={"_update": True}),
            {"reference": "R", "options": {"k": 1}, "_update": True},
        ),
    ],
)
def test_a_row_is_sent_just_as_it_is_written(asked: UpdateJob, attributes: dict[str, JSON]) -> None:
    assert as_written(asked).attributes == attributes


def test_relationships_are_taken_over() -> None:
    assert as_written(job(relationships=ORDER)).relationships == ORDER


def test_the_row_itself_is_left_as_it_was() -> None:
    asked = job(attributes={"reference": "R"}, members={"metadata": {"a": "1"}}, triggers={"_refresh": True})
    as_written(asked).attributes["reference"] = "other"
    assert asked.attributes == {"reference": "R"}
