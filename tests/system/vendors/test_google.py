"""The fake library does what Google's AIPs say."""

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.google import TOKEN, Fake, book_name

AUTH = f"Bearer {TOKEN}"
BOOK = f"/v1/{book_name(1)}"


async def test_a_mask_names_what_changes() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        body = {"title": "New", "rating": 9, "author": {"givenName": "Ada"}, "labels": {"shelf": "b"}}
        got = await send("PATCH", f"{BOOK}?updateMask=title,author.given_name,labels.shelf", body)
        assert got.status == 200
        assert (got.body["title"], got.body["rating"], got.body["labels"]) == ("New", 1, {"shelf": "b"})
        assert got.body["author"] == {"givenName": "Ada", "familyName": "Writer 1"}
        cleared = await send("PATCH", f"{BOOK}?update_mask=rating,labels.shelf,updateTime", {})
        assert not {"rating", "labels"} & set(cleared.body)
        assert (await send("GET", BOOK)).body == cleared.body
    assert [write.key for write in fake.history] == [book_name(1)] * 2


async def test_without_a_mask_the_whole_book_is_replaced() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        for path in (BOOK, f"{BOOK}?updateMask=*"):
            got = await send("PATCH", path, {"title": "Only"})
            assert set(got.body) == {"name", "title", "createTime", "updateTime", "etag"}
    async with driving(Fake(no_mask="populated"), Authorization=AUTH) as send:
        got = await send("PATCH", BOOK, {"title": "New", "inPrint": False})
        assert (got.body["title"], got.body["inPrint"], got.body["rating"]) == ("New", True, 1)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (BOOK, {"nonsense": 1}, ""),
        (BOOK, {"rating": "9"}, "rating"),
        (BOOK, {"pages": "many"}, "pages"),
        (BOOK, {"tags": "old"}, "tags"),
        (f"{BOOK}?updateMask=nonsense", {"title": "x"}, "update_mask"),
        (f"{BOOK}?updateMask=author.age", {}, "update_mask"),
        (f"{BOOK}?updateMask=title.x", {}, "update_mask"),
        (BOOK, {"name": "other"}, "name"),
    ],
)
async def test_what_is_wrong_is_told_by_field(path: str, body: object, field: str) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", path, body)
    assert (got.status, got.body["error"]["status"], fake.history) == (400, "INVALID_ARGUMENT", [])
    assert got.body["error"]["details"][0]["fieldViolations"][0]["field"] == field


async def test_an_old_etag_is_aborted() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        tag = (await send("GET", BOOK)).body["etag"]
        assert (await send("PATCH", f"{BOOK}?updateMask=rating", {"rating": 2, "etag": tag})).status == 200
        got = await send("PATCH", f"{BOOK}?updateMask=rating", {"rating": 3, "etag": tag})
        assert (got.status, got.body["error"]["status"]) == (409, "ABORTED")


async def test_many_are_got_all_or_none() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        path = f"/v1/publishers/-/books:batchGet?names={book_name(2)}&names="
        assert len((await send("GET", path + book_name(1))).body["books"]) == 2
        assert (await send("GET", path + book_name(99))).body["error"]["status"] == "NOT_FOUND"


async def test_credentials_rights_and_quota_are_looked_at() -> None:
    clock = ManualClock()
    async with driving(Fake(quota=(2, 60.0), clock=clock)) as send:
        assert (await send("GET", BOOK)).body["error"]["status"] == "UNAUTHENTICATED"
        other = await send("GET", "/v1/publishers/other/books/1", Authorization=AUTH)
        assert (other.status, other.body["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert (await send("GET", BOOK, Authorization=AUTH)).status == 200
        refused = await send("GET", BOOK, Authorization=AUTH)
        assert (refused.status, refused.body["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
        clock.advance(60)
        assert (await send("GET", BOOK, Authorization=AUTH)).status == 200
