"""The fake Jira does what Atlassian's documents say."""

from datetime import datetime

import pytest

from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving
from tests.system.vendors.jira import AUTHORIZATION, Fake, document

ISSUE = "/rest/api/3/issue/SHOP-1"


async def test_an_edit_is_204_and_the_issue_is_returned_on_request() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        fields = {"summary": "New", "labels": ["b", "a"], "customfield_10010": 3.5, "description": document("x")}
        got = await send("PUT", f"{ISSUE}?notifyUsers=false", {"fields": fields})
        assert (got.status, got.text) == (204, "")
        got = await send("PUT", f"{ISSUE}?returnIssue=true", {"fields": {"duedate": "2026-12-24"}})
        assert (got.status, got.body["fields"]["summary"]) == (200, "New")
        assert (await send("GET", "/rest/api/3/issue/10001?fields=labels")).body["fields"] == {"labels": ["a", "b"]}
    assert [write.key for write in fake.history] == ["SHOP-1", "SHOP-1"]
    assert fake.mails == ["SHOP-1"]


async def test_verbs_add_and_remove_without_touching_the_rest() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        update = {"labels": [{"add": "new"}, {"remove": "old"}], "components": [{"add": {"name": "web"}}]}
        assert (await send("PUT", ISSUE, {"update": update})).status == 204
        both = await send("PUT", ISSUE, {"update": {"labels": [{"add": "x"}]}, "fields": {"labels": []}})
        assert both.status == 400
        assert (await send("PUT", ISSUE, {"update": {"summary": [{"add": "x"}]}})).status == 400
    assert (fake.records["SHOP-1"]["fields"]["labels"], fake.mails) == (["new"], ["SHOP-1"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", {"name": "Done"}),
        ("nonsense", 1),
        ("summary", None),
        ("summary", "a\nb"),
        ("description", "plain text"),
        ("labels", ["a b"]),
        ("priority", {"name": "Urgent"}),
        ("duedate", "24.12.2026"),
        ("customfield_10010", "3"),
        ("customfield_10011", "x" * 256),
        ("customfield_10012", {"value": "blue"}),
        ("assignee", {"accountId": "nobody"}),
    ],
)
async def test_what_is_wrong_is_told_by_field(field: str, value: object) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTHORIZATION) as send:
        got = await send("PUT", ISSUE, {"fields": {field: value}})
    assert (got.status, list(got.body["errors"]), fake.history) == (400, [field], [])


async def test_credentials_and_keys_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", ISSUE)).status == 401
        missing = await send("GET", "/rest/api/3/issue/SHOP-99", Authorization=AUTHORIZATION)
        assert (missing.status, missing.body["errors"]) == (404, {})


async def test_many_are_fetched_in_the_order_of_ids_and_the_missing_are_absent() -> None:
    async with driving(Fake(), Authorization=AUTHORIZATION) as send:
        body = {"issueIdsOrKeys": ["SHOP-3", "10001", "SHOP-99"], "fields": ["summary"]}
        got = await send("POST", "/rest/api/3/issue/bulkfetch", body)
        assert [issue["key"] for issue in got.body["issues"]] == ["SHOP-1", "SHOP-3"]
        assert (got.body["issueErrors"], list(got.body["issues"][0]["fields"])) == ([], ["summary"])
        many = {"issueIdsOrKeys": [str(n) for n in range(101)]}
        assert (await send("POST", "/rest/api/3/issue/bulkfetch", many)).status == 400


async def test_the_burst_limit_is_per_endpoint_and_its_reset_is_iso() -> None:
    clock = ManualClock()
    async with driving(Fake(bursts={"PUT": 2, "GET": 100}, clock=clock), Authorization=AUTHORIZATION) as send:
        for _ in range(2):
            assert (await send("PUT", ISSUE, {})).status == 204
        refused = await send("PUT", "/rest/api/3/issue/SHOP-2", {})
        assert (refused.status, refused.headers["RateLimit-Reason"]) == (429, "jira-burst-based")
        assert refused.headers["Retry-After"] == "1"
        assert datetime.fromisoformat(refused.headers["X-RateLimit-Reset"]).timestamp() == clock() + 1
        assert (await send("GET", ISSUE)).status == 200
        clock.advance(1)
        assert (await send("PUT", "/rest/api/3/issue/SHOP-2", {})).status == 204


async def test_writes_to_one_issue_have_a_limit_of_their_own() -> None:
    clock = ManualClock()
    async with driving(Fake(short=(1, 2.0), clock=clock), Authorization=AUTHORIZATION) as send:
        assert (await send("PUT", ISSUE, {})).status == 204
        refused = await send("PUT", ISSUE, {})
        assert refused.headers["RateLimit-Reason"] == "jira-per-issue-on-write"
        assert (await send("PUT", "/rest/api/3/issue/SHOP-2", {})).status == 204
        clock.advance(2)
        assert (await send("PUT", ISSUE, {})).status == 204
