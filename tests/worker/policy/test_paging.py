from jobs.apis.described.api import described
from jobs.apis.description.keys import reference_of
from tests.commerce_layer import COMMERCE_LAYER
from tests.jobs.apis.described.kit import description
from worker.policy.paging import Pages


def test_pages_are_those_of_the_api() -> None:
    pages = Pages(COMMERCE_LAYER)
    assert (pages.largest, pages.key_page, pages.size("skus"), pages.group("skus", "a")) == (25, 24, 25, "")
    assert (pages.key("skus"), pages.sought("skus", "a=b")) == ("id", ("reference", "a=b"))


def test_records_of_one_group_are_read_together() -> None:
    many = {"path": "/p/{project}/t", "query": {"iids": "{ids}"}, "id": "/iid", "max_ids": 100}
    pages = Pages(described(description(path="/p/{project}/t/{iid}", read_many=many), {}, ""))
    assert (pages.largest, pages.size("things"), pages.group("things", "a/7")) == (100, 100, "a")


def test_what_a_record_is_known_by_has_the_names_of_columns() -> None:
    find = {"by": ["email"], "path": "/p/{project}/t", "query": {"email": "{value}"}}
    pages = Pages(described(description(path="/p/{project}/t/{iid}", find=find), {}, ""))
    assert (pages.key("things"), pages.sought("things", reference_of(("a b",), "email", "x=y"))) == (
        "iid", ("email", "x=y"),
    )  # fmt: skip
