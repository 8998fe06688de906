import pytest

from jobs.model import ABSENT, RowRef, UpdateJob

REF = RowRef(1, 2, b"12345678")


@pytest.mark.parametrize(
    ("job", "safe"),
    [
        (UpdateJob(REF, "orders", "a", attributes={"reference": "x"}), True),  # an absolute value
        (UpdateJob(REF, "orders", "a", triggers={"_refresh": True}, triggers_safe=True), True),  # by the API's word
        (UpdateJob(REF, "orders", "a", triggers={"_refresh": True, "_capture": True}), False),  # moves money
        (UpdateJob(REF, "orders", "a", add_tags=("x",)), False),  # adding is not absolute
        (UpdateJob(REF, "orders", "a", remove_tags=("x",)), False),  # neither is removing
    ],
)
def test_only_absolute_values_may_be_sent_twice(job: UpdateJob, safe: bool) -> None:
    assert job.replay_safe is safe


def test_the_removal_of_a_key_has_a_name() -> None:
    assert repr(ABSENT) == "ABSENT"
