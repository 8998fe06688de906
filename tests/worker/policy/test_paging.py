from jobs.apis.commercelayer.api import COMMERCE_LAYER
from jobs.apis.described.api import described
from tests.jobs.apis.described.kit import description
from worker.policy.paging import Pages, Sizes


def test_pages_are_those_of_the_api() -> None:
    pages = Pages(COMMERCE_LAYER)
    assert (pages.largest, pages.key_page, pages.size("skus"), pages.group("skus", "a")) == (25, 24, 25, "")


def test_records_of_one_group_are_read_together() -> None:
    many = {"path": "/p/{project}/t", "query": {"iids": "{ids}"}, "id": "/iid", "max_ids": 100}
    pages = Pages(described(description(path="/p/{project}/t/{iid}", read_many=many), {}, ""))
    assert (pages.largest, pages.size("things"), pages.group("things", "a/7")) == (100, 100, "a")


def test_sizes_are_the_same_for_all() -> None:
    sizes = Sizes(3, 2)
    assert (sizes.largest, sizes.key_page, sizes.size("x"), sizes.group("x", "a")) == (3, 2, 3, "")
