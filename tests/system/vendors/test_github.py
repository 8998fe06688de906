"""The fake GitHub does what GitHub's documents say."""

import asyncio

import aiohttp
import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import Client, driving
from tests.system.vendors.github import TOKEN, Fake

AUTH = f"Bearer {TOKEN}"
ISSUE = "/repos/acme/shop/issues/1"


async def test_a_change_is_applied_echoed_and_kept_in_the_history() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", ISSUE, {"title": "New", "labels": ["a", {"name": "b"}], "assignees": ["bob"], "x": 1})
        assert got.status == 200
        assert [label["name"] for label in got.body["labels"]] == ["a", "b"]
        assert got.body["assignee"]["login"] == "bob"
        assert fake.records["acme/shop/1"]["labels"] == ["a", "b"]
        assert "x" not in fake.records["acme/shop/1"]
        assert [(write.number, write.key) for write in fake.history] == [(1, "acme/shop/1")]
        assert (await send("GET", ISSUE)).body["title"] == "New"
        assert (await send("PATCH", ISSUE, {"body": None, "labels": []})).body["body"] is None
        assert (await send("PATCH", ISSUE, {"state_reason": "duplicate"})).body["state_reason"] is None
        assert (await send("PATCH", ISSUE, {"state": "closed"})).body["state_reason"] == "completed"
        assert (await send("PATCH", ISSUE, {"state": "open"})).body["state_reason"] == "reopened"


async def test_without_push_labels_are_dropped_and_the_answer_is_200() -> None:
    fake = Fake(push=False)
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", ISSUE, {"title": "New", "labels": ["a"]})
    assert (got.status, fake.records["acme/shop/1"]["labels"]) == (200, ["bug"])


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("{", 400, "Problems parsing JSON"),
        ([1], 400, "Body should be a JSON object"),
        ({"labels": "a"}, 422, "Invalid request"),
        ({"title": ""}, 422, "Validation Failed"),
        ({"state": "done"}, 422, "Validation Failed"),
        ({"milestone": 77}, 422, "Validation Failed"),
        ({"assignees": ["nobody"]}, 422, "Validation Failed"),
    ],
)
async def test_what_is_wrong_is_refused(body: object, status: int, message: str) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", ISSUE, body)
    assert (got.status, fake.history) == (status, [])
    assert got.body["message"].startswith(message)


async def test_credentials_agent_version_and_conditions_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", ISSUE)).body["message"] == "Requires authentication"
        assert (await send("GET", ISSUE, Authorization="Bearer no")).status == 401
        assert (await send("GET", ISSUE, Authorization=AUTH, User_Agent="")).status == 403
        assert (await send("GET", ISSUE, Authorization=AUTH, X_GitHub_Api_Version="1999-01-01")).status == 400
        assert (await send("PATCH", ISSUE, {}, Authorization=AUTH, If_Match='"x"')).status == 400
        assert (await send("GET", "/repos/acme/shop/issues/99", Authorization=AUTH)).status == 404


async def test_the_primary_limit_tells_its_reset_in_epoch_seconds() -> None:
    clock = ManualClock()
    async with driving(Fake(primary=(2, 10.0), clock=clock), Authorization=AUTH) as send:
        first = await send("GET", ISSUE)
        assert first.headers["X-RateLimit-Remaining"] == "1"
        await send("GET", ISSUE)
        refused = await send("GET", ISSUE)
        assert (refused.status, refused.headers["X-RateLimit-Remaining"]) == (403, "0")
        assert "Retry-After" not in refused.headers
        clock.at = float(refused.headers["X-RateLimit-Reset"])
        assert (await send("GET", ISSUE)).status == 200


async def test_the_secondary_limit_shows_in_no_header() -> None:
    clock = ManualClock()
    async with driving(Fake(points=(10, 60.0), refuse_with=429, clock=clock), Authorization=AUTH) as send:
        for _ in range(2):
            assert (await send("PATCH", ISSUE, {"title": "x"})).status == 200
        refused = await send("PATCH", ISSUE, {"title": "y"})
        assert (refused.status, refused.headers["X-RateLimit-Remaining"]) == (429, "4997")
        assert "secondary rate limit" in refused.body["message"]
        clock.advance(60)
        assert (await send("PATCH", ISSUE, {"title": "y"})).status == 200


async def test_too_many_at_once_are_refused() -> None:
    async with driving(Fake(concurrent=2, takes_s=0.1, secondary_wait=1), Authorization=AUTH) as send:
        answers = await asyncio.gather(*(send("PATCH", ISSUE, {"title": str(n)}) for n in range(4)))
    assert sorted(got.status for got in answers) == [200, 200, 403, 403]
    assert {got.headers.get("Retry-After") for got in answers if got.status == 403} == {"1"}


async def test_lists_come_in_pages() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        first = await send("GET", "/repos/acme/shop/issues?per_page=3")
        assert [issue["number"] for issue in first.body] == [5, 4, 3]
        following = first.headers["Link"].partition("<")[2].partition(">")[0]
        second = await send("GET", following)
        assert ([issue["number"] for issue in second.body], "Link" in second.headers) == ([2, 1], False)


async def lost(send: Client, title: str) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await send("PATCH", ISSUE, {"title": title})


async def test_replies_and_requests_are_lost_and_reads_lag() -> None:
    clock = ManualClock()
    fake = Fake(lose_reply_every=2, lag_s=5.0, clock=clock)
    async with driving(fake, Authorization=AUTH) as send:
        assert (await send("PATCH", ISSUE, {"title": "A"})).body["title"] == "A"
        clock.advance(4)
        await lost(send, "B")
        assert fake.records["acme/shop/1"]["title"] == "B"
        assert (await send("GET", ISSUE)).body["title"] == "Issue 1"
        clock.advance(2)
        assert (await send("GET", ISSUE)).body["title"] == "A"
        clock.advance(4)
        assert (await send("GET", ISSUE)).body["title"] == "B"
    assert [call.fate for call in fake.log][:2] == ["answered", "lost after"]
    unheard = Fake(lose_before_every=1)
    async with driving(unheard, Authorization=AUTH) as send:
        await lost(send, "C")
    assert (unheard.history, unheard.log[0].fate) == ([], "lost before")
