"""The fake Salesforce does what Salesforce's documents say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.system.vendors.base import ManualClock, basic
from tests.system.vendors.client import Client, driving
from tests.system.vendors.salesforce import CLIENT_ID, CLIENT_SECRET, VERSION, Fake, account_id

FORM = "application/x-www-form-urlencoded"
GRANT = f"grant_type=client_credentials&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}"
DATA = f"/services/data/{VERSION}"
ACCOUNT = f"{DATA}/sobjects/Account/{account_id(1)}"


@asynccontextmanager
async def signed_in(fake: Fake) -> AsyncIterator[Client]:
    async with driving(fake) as send:
        got = await send("POST", "/services/oauth2/token", GRANT, Content_Type=FORM)
        send.session.headers["Authorization"] = f"Bearer {got.body['access_token']}"
        yield Client(send.session, got.body["instance_url"])


async def test_the_token_tells_where_the_data_are_and_not_when_it_ends() -> None:
    clock = ManualClock()
    fake = Fake(separate_instance=True, token_s=60, clock=clock)
    async with signed_in(fake) as send:
        assert send.url != fake.url
        assert (await send("GET", ACCOUNT)).status == 200
        assert (await send("GET", fake.url + ACCOUNT)).status == 404
        clock.advance(60)
        ended = await send("GET", ACCOUNT)
        assert (ended.status, ended.body[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        got = await send(
            "POST",
            fake.url + "/services/oauth2/token",
            "grant_type=client_credentials",
            Content_Type=FORM,
            Authorization=basic(CLIENT_ID, CLIENT_SECRET),
        )
        assert "expires_in" not in got.body
        bad = await send("POST", fake.url + "/services/oauth2/token", GRANT + "x", Content_Type=FORM)
        assert (bad.status, bad.body["error"]) == (400, "invalid_client")


async def test_an_update_is_204_and_shows_in_reads() -> None:
    fake = Fake()
    async with signed_in(fake) as send:
        got = await send("PATCH", ACCOUNT, {"name": "New", "Phone": "", "NumberOfEmployees": 12, "Active__c": None})
        assert (got.status, got.text) == (204, "")
        read = (await send("GET", f"{ACCOUNT}?fields=Name,phone")).body
        assert read["attributes"]["type"] == "Account"
        assert (read["Name"], read["Phone"]) == ("New", None)
    assert fake.records[account_id(1)]["Active__c"] is False
    assert [write.key for write in fake.history] == [account_id(1)]


async def test_many_are_retrieved_with_null_for_the_missing() -> None:
    async with signed_in(Fake()) as send:
        path = f"{DATA}/composite/sobjects/Account"
        ids = [account_id(2), account_id(99), account_id(1)[:15]]
        got = await send("POST", path, {"ids": ids, "fields": ["name"]})
        assert [each and each["Name"] for each in got.body] == ["Account 2", None, "Account 1"]
        assert (await send("GET", f"{path}?ids={ids[0]}&fields=Name")).body[0]["Id"] == ids[0]
        bad = await send("POST", path, {"ids": ids, "fields": ["Nonsense"]})
        assert (bad.status, bad.body[0]["errorCode"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("body", "code", "fields"),
    [
        ({"Nonsense": 1}, "INVALID_FIELD", None),
        ({"Id": account_id(1)}, "INVALID_FIELD", None),
        ({"CreatedDate": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["CreatedDate"]),
        ({"Name": None}, "REQUIRED_FIELD_MISSING", ["Name"]),
        ({"Phone": "1" * 41}, "STRING_TOO_LONG", ["Phone"]),
        ({"Rating": "Icy"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["Rating"]),
        ({"Mail__c": "no mail"}, "INVALID_EMAIL_ADDRESS", ["Mail__c"]),
        ({"NumberOfEmployees": "many"}, "JSON_PARSER_ERROR", None),
        ("{", "JSON_PARSER_ERROR", None),
    ],
)
async def test_errors_come_as_an_array(body: object, code: str, fields: list[str] | None) -> None:
    fake = Fake()
    async with signed_in(fake) as send:
        got = await send("PATCH", ACCOUNT, body)
    assert (got.status, got.body[0]["errorCode"], got.body[0].get("fields")) == (400, code, fields)
    assert fake.history == []


async def test_ids_and_locked_rows_are_refused() -> None:
    async with signed_in(Fake(lock_row_every=1)) as send:
        assert (await send("PATCH", f"{DATA}/sobjects/Account/{account_id(99)}", {})).status == 404
        assert (await send("PATCH", f"{DATA}/sobjects/Account/x", {})).body[0]["errorCode"] == "MALFORMED_ID"
        assert (await send("PATCH", ACCOUNT, {"Name": "x"})).body[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"


async def test_beyond_the_daily_limit_it_is_403_without_a_time_to_wait() -> None:
    clock = ManualClock()
    async with signed_in(Fake(daily=(2, 1000.0), clock=clock)) as send:
        assert (await send("GET", ACCOUNT)).headers["Sforce-Limit-Info"] == "api-usage=1/2"
        await send("GET", ACCOUNT)
        refused = await send("PATCH", ACCOUNT, {"Name": "x"})
        assert (refused.status, refused.body[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert "Retry-After" not in refused.headers
        clock.advance(1000)
        assert (await send("PATCH", ACCOUNT, {"Name": "x"})).status == 204
