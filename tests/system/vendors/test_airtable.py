"""The fake Airtable does what Airtable's documents say."""

from urllib.parse import quote

import pytest

from tests.system.vendors.airtable import BASE, TABLE, TOKEN, Fake, record_id
from tests.system.vendors.base import ManualClock
from tests.system.vendors.client import driving

AUTH = f"Bearer {TOKEN}"
HERE = f"/v0/{BASE}/{TABLE}"
RECORD = f"{HERE}/{record_id(1)}"


async def test_an_update_is_applied_echoed_and_empty_cells_are_left_out() -> None:
    fake = Fake(per_base=None)
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", RECORD, {"fields": {"Name": "", "Amount": 0, "Done": False, "Colours": ["red"]}})
        assert got.status == 200
        assert got.body["fields"] == {"Amount": 0, "Stage": "Todo", "Colours": ["red"], "Total": 0}
        got = await send("PATCH", RECORD, {"fields": {"fldMadeUpName0001": "By id", "Stage": None, "Amount": None}})
        assert got.body["fields"] == {"Name": "By id", "Colours": ["red"]}
        assert (await send("PUT", RECORD, {"fields": {"Name": "Only"}})).body["fields"] == {"Name": "Only"}
    assert fake.records[record_id(1)] == {"Name": "Only"}
    assert len(fake.history) == 3


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"Nonsense": 1}, "UNKNOWN_FIELD_NAME"),
        ({"Total": 1}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Amount": "12"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Name": 12}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Done": "yes"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Due": "24.12.2026"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Colours": "red"}, "INVALID_VALUE_FOR_COLUMN"),
        ({"Stage": "Done"}, "INVALID_MULTIPLE_CHOICE_OPTIONS"),
        (None, "INVALID_REQUEST_UNKNOWN"),
    ],
)
async def test_what_is_wrong_is_refused(fields: object, kind: str) -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        got = await send("PATCH", RECORD, {"fields": fields})
    assert (got.status, got.body["error"]["type"], fake.history) == (422, kind, [])


async def test_typecast_turns_texts_into_values_and_makes_choices() -> None:
    async with driving(Fake(), Authorization=AUTH) as send:
        fields = {"Amount": "12.5", "Done": "true", "Stage": "Shipped", "Colours": "blue"}
        got = await send("PATCH", RECORD, {"fields": fields, "typecast": True})
    assert got.body["fields"]["Amount"] == 12.5
    assert (got.body["fields"]["Stage"], got.body["fields"]["Colours"]) == ("Shipped", ["blue"])


async def test_records_are_read_by_a_formula() -> None:
    async with driving(Fake(per_base=None), Authorization=AUTH) as send:
        formula = f"OR(RECORD_ID()='{record_id(2)}', RECORD_ID() = \"{record_id(4)}\", RECORD_ID()='recNone')"
        got = await send("GET", f"{HERE}?filterByFormula={quote(formula)}&fields%5B%5D=Name")
        assert [each["fields"] for each in got.body["records"]] == [{"Name": "Thing 2"}, {"Name": "Thing 4"}]
        body = {"filterByFormula": "AND({Stage}='Todo',{Name}='Thing 3')"}
        assert [r["id"] for r in (await send("POST", f"{HERE}/listRecords", body)).body["records"]] == [record_id(3)]
        bad = await send("GET", f"{HERE}?filterByFormula={quote('OR(')}")
        assert (bad.status, bad.body["error"]["type"]) == (422, "INVALID_FILTER_BY_FORMULA")
        page = (await send("GET", f"{HERE}?pageSize=3")).body
        rest = (await send("GET", f"{HERE}?pageSize=3&offset={quote(page['offset'])}")).body
        assert (len(page["records"]), len(rest["records"]), "offset" in rest) == (3, 2, False)


async def test_credentials_and_places_are_looked_at() -> None:
    async with driving(Fake()) as send:
        assert (await send("GET", RECORD)).body["error"]["type"] == "AUTHENTICATION_REQUIRED"
        assert (await send("GET", f"/v0/{BASE}/Other", Authorization=AUTH)).status == 403
        assert (await send("GET", f"{HERE}/{record_id(99)}", Authorization=AUTH)).status == 404


async def test_up_to_ten_are_updated_at_once() -> None:
    fake = Fake()
    async with driving(fake, Authorization=AUTH) as send:
        several = [{"id": record_id(n), "fields": {"Name": "Same"}} for n in (1, 2)]
        assert len((await send("PATCH", HERE, {"records": several})).body["records"]) == 2
        assert (await send("PATCH", HERE, {"records": several * 6})).status == 422
    assert [write.key for write in fake.history] == [record_id(1), record_id(2)]


async def test_a_sixth_request_in_a_second_locks_the_base_for_30() -> None:
    clock = ManualClock()
    async with driving(Fake(clock=clock), Authorization=AUTH) as send:
        for _ in range(5):
            assert (await send("GET", RECORD)).status == 200
        refused = await send("GET", RECORD)
        assert (refused.status, "Retry-After" in refused.headers) == (429, False)
        clock.advance(29)
        assert (await send("GET", RECORD)).status == 429
        clock.advance(1)
        assert (await send("GET", RECORD)).status == 200
