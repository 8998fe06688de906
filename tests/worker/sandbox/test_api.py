"""The sandbox over loopback: what a PATCH, a GET and a token request do, and how each mistake is answered."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from worker.sandbox import LOCK_KEY, Sandbox, SandboxSettings, seeded_id, serve

MEDIA = "application/vnd.api+json"
PAYMENT = seeded_id("stripe_payments", 0)
SKU = seeded_id("skus", 0)
ORDER = seeded_id("orders", 0)
MOVES = [seeded_id("transactions", index) for index in range(8)]
SEED = ("stripe_payments=30", "transactions=8", "skus=2", "orders=1", "customers=1", "payment_methods=1")


@dataclass
class Got:
    status: int
    headers: Any
    text: str
    json: Any = field(default=None)

    @property
    def attributes(self) -> Any:
        return self.json["data"]["attributes"]

    @property
    def error(self) -> Any:
        return self.json["errors"][0]


class Client:
    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def send(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Got:
        sent = {"Accept": MEDIA, "Authorization": f"Bearer {self.sandbox.token}", "Content-Type": MEDIA} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        url = URL(self.sandbox.url + target, encoded=True)
        async with self.session.request(method, url, data=body, headers=sent) as reply:
            text = await reply.text()
            return Got(reply.status, reply.headers, text, json.loads(text) if "json" in reply.content_type else None)

    async def patch(self, type_name: str, key: str, query: str = "", **members: Any) -> Got:
        document = {"data": {"type": type_name, "id": key, **members}}
        return await self.send("PATCH", f"/api/{type_name}/{key}{query}", json.dumps(document).encode())

    async def get(self, target: str) -> Got:
        return await self.send("GET", target)


@asynccontextmanager
async def client(**settings: Any) -> AsyncIterator[Client]:
    async with serve(SandboxSettings(**{"seed": SEED} | settings)) as sandbox, aiohttp.ClientSession() as session:
        yield Client(sandbox, session)


async def test_the_example_of_the_stripe_payment_page_is_accepted_whole() -> None:
    async with client() as api:
        got = await api.patch(
            "stripe_payments",
            PAYMENT,
            attributes={
                "options": {"customer": "cus_1"},
                "_refresh": True,
                "reference": "A-1",
                "reference_origin": "erp",
                "metadata": {"foo": "bar"},
            },
            relationships={"order": {"data": {"type": "orders", "id": ORDER}}},
        )
        assert got.status == 200
        assert got.headers["Content-Type"] == MEDIA
        assert got.headers["X-Request-Id"]
        data = got.json["data"]
        assert data["id"] == PAYMENT
        assert data["type"] == "stripe_payments"
        assert data["meta"] == {"mode": "test"}
        assert data["links"]["self"] == f"{api.sandbox.url}/api/stripe_payments/{PAYMENT}"
        assert data["relationships"]["order"]["links"]["related"].endswith(f"/{PAYMENT}/order")
        assert got.attributes["options"] == {"customer": "cus_1"}
        assert got.attributes["client_secret"]
        assert got.attributes["publishable_key"]
        assert "_refresh" not in got.attributes
        stored = api.sandbox.resources["stripe_payments"][PAYMENT]
        assert stored.triggers == {"_refresh": 1}
        assert stored.relationships == {"order": {"type": "orders", "id": ORDER}}


async def test_a_transaction_is_updated_and_shown_as_its_page_says() -> None:
    async with client() as api:
        got = await api.patch("transactions", MOVES[1], attributes={"reference": "R", "metadata": {"k": "v"}})
        assert got.status == 200
        assert got.json["data"]["type"] == "transactions"
        assert got.attributes["type"] == "captures"
        page = "number currency_code amount_cents amount_float formatted_amount succeeded message error_code"
        page += " error_detail token gateway_transaction_id created_at updated_at reference reference_origin metadata"
        assert set(page.split()) < set(got.attributes)
        assert "order" in got.json["data"]["relationships"]
        concrete = await api.get(f"/api/captures/{MOVES[1]}")
        assert concrete.attributes["reference"] == "R"
        assert "type" not in concrete.attributes


async def test_transactions_are_seeded_as_their_concrete_types_in_turn() -> None:
    async with client() as api:
        got = await api.get("/api/transactions?filter[q][id_in]=" + ",".join(MOVES) + "&page[size]=25")
        kinds = {record["id"]: record["attributes"]["type"] for record in got.json["data"]}
        assert [kinds[key] for key in MOVES] == ["authorizations", "captures", "refunds", "voids"] * 2


@pytest.mark.parametrize(("status", "code"), [(404, "RECORD_NOT_FOUND"), (405, "METHOD_NOT_ALLOWED")])
async def test_abstract_transactions_can_be_read_but_only_the_concrete_type_updated(status: int, code: str) -> None:
    async with client(abstract_transactions=True, abstract_status=status) as api:
        refused = await api.patch("transactions", MOVES[0], attributes={"reference": "R"})
        assert (refused.status, refused.error["code"]) == (status, code)
        kind = (await api.get(f"/api/transactions/{MOVES[0]}")).attributes["type"]
        assert (await api.patch(kind, MOVES[0], attributes={"reference": "R"})).status == 200


async def test_metadata_is_replaced_as_a_whole_null_clears_and_the_rest_stays() -> None:
    async with client() as api:
        before = await api.get(f"/api/stripe_payments/{PAYMENT}")
        assert before.attributes["metadata"] == {"origin": "seed"}
        first = await api.patch("stripe_payments", PAYMENT, attributes={"metadata": {"n": "67"}, "reference": "R"})
        assert first.attributes["metadata"] == {"n": "67"}
        second = await api.patch("stripe_payments", PAYMENT, attributes={"reference": None})
        assert second.attributes["reference"] is None
        assert second.attributes["metadata"] == {"n": "67"}


async def test_text_arrives_code_point_exact() -> None:
    value = '007 "x", \n\\ 👩‍👩‍👧 é é \x7f true null '
    async with client() as api:
        got = await api.patch("stripe_payments", PAYMENT, attributes={"metadata": {value: value}})
        assert got.attributes["metadata"] == {value: value}
        assert (await api.patch("stripe_payments", PAYMENT, attributes={"reference": "\ud800"})).status == 200


VALUES = [
    # a number as text becomes a number
    ("skus", {"pieces_per_pack": "67"}, {"pieces_per_pack": 67}),
    ("skus", {"pieces_per_pack": 67.0}, {"pieces_per_pack": 67}),
    ("skus", {"weight": "1.5"}, {"weight": 1.5}),
    # a class name becomes the resource type
    ("payment_methods", {"payment_source_type": "AdyenPayment"}, {"payment_source_type": "adyen_payments"}),
    # a listed value stays
    ("skus", {"unit_of_weight": "gr"}, {"unit_of_weight": "gr"}),
    # a string is never reinterpreted
    ("skus", {"name": "007"}, {"name": "007"}),
    # null clears any attribute
    ("skus", {"unit_of_weight": None, "do_not_ship": None}, {"unit_of_weight": None, "do_not_ship": None}),
]


@pytest.mark.parametrize(("type_name", "sent", "echoed"), VALUES)
async def test_values_come_back_canonical(type_name: str, sent: dict[str, Any], echoed: dict[str, Any]) -> None:
    async with client() as api:
        got = await api.patch(type_name, seeded_id(type_name, 0), attributes=sent)
        assert got.status == 200
        assert {name: got.attributes[name] for name in echoed} == echoed


BAD_VALUES = [
    ("skus", "pieces_per_pack", "many"),
    ("skus", "pieces_per_pack", 1.5),
    ("skus", "pieces_per_pack", True),
    ("skus", "weight", "heavy"),
    ("skus", "weight", False),
    ("skus", "weight", "1e999"),
    ("skus", "weight", 10**400),
    ("skus", "do_not_ship", "true"),
    ("skus", "name", 7),
    ("skus", "metadata", [1]),
    ("skus", "unit_of_weight", "stone"),
    ("orders", "expires_at", "tomorrow"),
    ("orders", "_refresh", "yes"),
]


@pytest.mark.parametrize(("type_name", "name", "value"), BAD_VALUES)
async def test_a_wrong_value_is_422_with_a_pointer_and_changes_nothing(type_name: str, name: str, value: Any) -> None:
    async with client() as api:
        before = {kind: dict(records) for kind, records in api.sandbox.resources.items()}
        got = await api.patch(type_name, seeded_id(type_name, 0), attributes={"reference": "R", name: value})
        assert (got.status, got.error["code"], got.error["status"]) == (422, "VALIDATION_ERROR", "422")
        assert got.error["source"]["pointer"] == f"/data/attributes/{name}"
        assert got.error["meta"]["trace_id"] == got.headers["X-Request-Id"]
        assert api.sandbox.resources == before
        assert not api.sandbox.ledger[-1].applied


async def test_all_wrong_values_are_listed_at_once() -> None:
    async with client() as api:
        got = await api.patch("skus", SKU, attributes={"weight": "x", "name": 1, "metadata": "m"})
        pointers = [error["source"]["pointer"] for error in got.json["errors"]]
        assert pointers == ["/data/attributes/weight", "/data/attributes/name", "/data/attributes/metadata"]


async def test_write_only_attributes_never_come_back() -> None:
    async with client() as api:
        key = seeded_id("customers", 0)
        got = await api.patch("customers", key, attributes={"password": "pass-1", "_add_tags": "vip"})
        assert got.status == 200
        assert "pass-1" not in got.text
        assert not {"password", "_add_tags"} & set(got.attributes)


def addressed(key: str = PAYMENT, **members: Any) -> dict[str, Any]:
    return {"data": {"type": "stripe_payments", "id": key, **members}}


BAD_DOCUMENTS = [
    (b"", 400, "BAD_REQUEST"),
    (b"{", 400, "BAD_REQUEST"),
    (b"\xff", 400, "BAD_REQUEST"),
    (b'{"data": NaN}', 400, "BAD_REQUEST"),
    (b'{"data": 1e999}', 400, "BAD_REQUEST"),
    (b"[" * 100_000, 400, "BAD_REQUEST"),
    ([], 400, "PARAM_MISSING"),
    ({}, 400, "PARAM_MISSING"),
    ({"data": []}, 400, "INVALID_DATA_FORMAT"),
    ({"data": {"id": PAYMENT}}, 400, "PARAM_MISSING"),
    ({"data": {"type": "orders", "id": PAYMENT}}, 409, "INVALID_RESOURCE"),
    ({"data": {"type": "stripe_payments"}}, 400, "KEY_ORDER_MISMATCH"),
    # ids are case-sensitive
    (addressed(PAYMENT.swapcase()), 400, "KEY_NOT_INCLUDED_IN_URL"),
    (addressed(attributes=[]), 400, "INVALID_DATA_FORMAT"),
    (addressed(attributes={"refrence": "R"}), 400, "PARAM_NOT_ALLOWED"),
    # read-only attributes are not parameters
    (addressed(attributes={"created_at": "2020-01-01T00:00:00Z"}), 400, "PARAM_NOT_ALLOWED"),
    (addressed(relationships={"orders": {"data": None}}), 400, "PARAM_NOT_ALLOWED"),
    (addressed(relationships={"order": ORDER}), 400, "INVALID_LINKS_OBJECT"),
    (addressed(relationships={"order": {"data": [ORDER]}}), 400, "INVALID_LINKS_OBJECT"),
    (addressed(relationships={"order": {"data": {"id": ORDER}}}), 400, "INVALID_LINKS_OBJECT"),
    (addressed(relationships={"order": {"data": {"type": "skus", "id": SKU}}}), 400, "TYPE_MISMATCH"),
    # a target of a seeded type must exist
    (addressed(relationships={"order": {"data": {"type": "orders", "id": "NoSuchOrder"}}}), 422, "VALIDATION_ERROR"),
]


@pytest.mark.parametrize(("document", "status", "code"), BAD_DOCUMENTS)
async def test_a_malformed_document_is_refused_with_the_apis_code(document: Any, status: int, code: str) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    async with client() as api:
        got = await api.send("PATCH", f"/api/stripe_payments/{PAYMENT}", body)
        assert (got.status, got.error["code"]) == (status, code)


async def test_unknown_names_are_pointed_at() -> None:
    async with client() as api:
        got = await api.patch("stripe_payments", PAYMENT, attributes={"refrence": "R"})
        assert got.error["source"]["pointer"] == "/data/attributes/refrence"


BAD_TARGETS = [
    ("stripe_payments", PAYMENT.swapcase(), 404, "RECORD_NOT_FOUND"),
    # the record is there, but of another type
    ("orders", PAYMENT, 404, "RECORD_NOT_FOUND"),
    ("refunds", MOVES[0], 404, "RECORD_NOT_FOUND"),
    ("no_such_type", PAYMENT, 404, "NOT_FOUND"),
]


@pytest.mark.parametrize(("type_name", "key", "status", "code"), BAD_TARGETS)
async def test_what_is_not_there_is_404(type_name: str, key: str, status: int, code: str) -> None:
    async with client() as api:
        for got in (await api.patch(type_name, key), await api.get(f"/api/{type_name}/{key}")):
            assert (got.status, got.error["code"]) == (status, code)


BAD_HEADERS = [
    ("PATCH", {"Accept": "application/json"}, 406),
    ("GET", {"Accept": f"{MEDIA}; charset=utf-8"}, 406),
    ("GET", {"Accept": "*/*"}, 200),
    ("PATCH", {"Content_Type": "application/json"}, 415),
    ("POST", {}, 405),
    ("DELETE", {}, 405),
]


@pytest.mark.parametrize(("method", "headers", "status"), BAD_HEADERS)
async def test_methods_and_media_types_are_checked(method: str, headers: dict[str, str], status: int) -> None:
    async with client() as api:
        got = await api.send(method, f"/api/stripe_payments/{PAYMENT}", b"", **headers)
        assert got.status == status


async def test_checks_come_in_the_order_of_the_api() -> None:
    wrong = {"Authorization": "Bearer x", "Accept": "a/b", "Content_Type": "a/b"}
    async with client() as api:
        seen = []
        while True:
            got = await api.send("PATCH", "/api/stripe_payments/nobody", b"{", **wrong)
            seen.append(got.status)
            if not wrong:
                break
            wrong.pop(next(iter(wrong)))
        assert seen == [401, 406, 415, 400]


async def test_a_locked_record_is_423_and_a_taken_code_409() -> None:
    async with client() as api:
        assert (await api.patch("skus", SKU, attributes={"code": "S1"})).status == 200
        assert (await api.patch("skus", SKU, attributes={"code": "S1"})).status == 200
        taken = await api.patch("skus", seeded_id("skus", 1), attributes={"code": "S1"})
        assert (taken.status, taken.error["source"]["pointer"]) == (409, "/data/attributes/code")
        await api.patch("skus", SKU, attributes={"metadata": {LOCK_KEY: True}})
        assert (await api.patch("skus", SKU, attributes={"code": "S2"})).status == 423


async def test_triggers_are_counted_where_only_the_judge_sees_them() -> None:
    key = MOVES[0]
    async with client() as api:
        for value in (True, True, False, None):
            got = await api.patch("authorizations", key, attributes={"_capture": value})
            assert "_capture" not in got.text
        await api.patch("authorizations", key, attributes={"_capture_amount_cents": "500"})
        shown = await api.get("/_sandbox/resources?type=transactions")
        (record,) = (record for record in shown.json["resources"] if record["id"] == key)
        assert record["_sandbox_triggers"] == {"_capture": 2, "_capture_amount_cents": 1}


async def test_only_a_change_or_a_refresh_bumps_updated_at() -> None:
    async with client(epoch=0.0) as api:
        seeded = "1970-01-01T00:00:00.000Z"
        same = await api.patch("stripe_payments", PAYMENT, attributes={"metadata": {"origin": "seed"}})
        assert same.attributes["updated_at"] == seeded
        refreshed = await api.patch("stripe_payments", PAYMENT, attributes={"_refresh": True})
        assert refreshed.attributes["updated_at"] > seeded
        assert refreshed.attributes["created_at"] == seeded


TAGS_QUERY = "?include=tags&fields[orders]=tags&fields[tags]=name"
TAGS = [
    # (add, remove, the names that are there afterwards)
    ("vip,sale", "", ["vip", "sale"]),
    # unknown and malformed names are discarded without a word
    ("vip,nobody,no good,", "", ["vip"]),
    # there is no space after a comma
    ("vip, sale", "", ["vip"]),
    # at most ten
    (",".join(f"tag{number}" for number in range(1, 13)), "", [f"tag{number}" for number in range(1, 11)]),
    ("vip,sale", "vip", ["sale"]),
]


@pytest.mark.parametrize(("add", "remove", "names"), TAGS)
async def test_tags_are_shown_in_the_reply_that_changes_them(add: str, remove: str, names: list[str]) -> None:
    async with client() as api:
        await api.patch("orders", ORDER, attributes={"_add_tags": add})
        got = await api.patch("orders", ORDER, TAGS_QUERY, attributes={"_remove_tags": remove})
        assert [tag["attributes"] for tag in got.json["included"]] == [{"name": name} for name in names]
        assert "attributes" not in got.json["data"]
        assert len(got.json["data"]["relationships"]["tags"]["data"]) == len(names)
        again = await api.get(f"/api/orders/{ORDER}{TAGS_QUERY}")
        assert again.json == got.json


async def test_a_to_many_relationship_is_replaced_as_a_whole_and_checked() -> None:
    links = [{"type": "tags", "id": seeded_id("tags", index)} for index in range(11)]
    async with client() as api:
        for wanted in (links[:3], links[4:5], []):
            got = await api.patch("orders", ORDER, TAGS_QUERY, relationships={"tags": {"data": wanted}})
            assert got.json["data"]["relationships"]["tags"]["data"] == wanted
        many = await api.patch("orders", ORDER, relationships={"tags": {"data": links}})
        assert (many.status, many.error["source"]["pointer"]) == (422, "/data/relationships/tags")
        single = await api.patch("orders", ORDER, relationships={"tags": {"data": None}})
        assert single.status == 400


async def test_a_to_one_relationship_is_unset_by_null_and_an_unseeded_target_accepted() -> None:
    async with client() as api:
        elsewhere = {"type": "markets", "id": "AnyMarket1"}
        got = await api.patch("orders", ORDER, "?include=market", relationships={"market": {"data": elsewhere}})
        assert got.json["data"]["relationships"]["market"]["data"] == elsewhere
        got = await api.patch("orders", ORDER, "?include=market", relationships={"market": {"data": None}})
        assert got.json["data"]["relationships"]["market"]["data"] is None


async def test_sparse_fieldsets_shrink_every_reply() -> None:
    async with client() as api:
        query = "?fields%5Bstripe_payments%5D=reference,metadata"
        got = await api.patch("stripe_payments", PAYMENT, query, attributes={"reference": "R"})
        assert set(got.attributes) == {"reference", "metadata"}
        assert "relationships" not in got.json["data"]
        page = await api.get("/api/stripe_payments?fields[stripe_payments]=reference")
        assert {tuple(record["attributes"]) for record in page.json["data"]} == {("reference",)}


async def test_the_id_is_a_field_of_every_type_and_leaves_nothing_else() -> None:
    async with client() as api:
        got = await api.get(f"/api/orders/{ORDER}?include=tags&fields[orders]=id&fields[tags]=id&fields[markets]=id")
        assert got.status == 200
        assert set(got.json["data"]) == {"id", "type", "links", "meta"}


async def test_linkage_is_shown_for_what_is_included_and_for_nothing_else() -> None:
    elsewhere = {"type": "markets", "id": "AnyMarket1"}
    async with client() as api:
        links: dict[str, Any] = {
            "market": {"data": elsewhere},
            "tags": {"data": [{"type": "tags", "id": seeded_id("tags", 0)}]},
        }
        await api.patch("orders", ORDER, relationships=links)
        plain = await api.get("/api/orders")
        shown = plain.json["data"][0]["relationships"]
        assert all("data" not in relationship and "links" in relationship for relationship in shown.values())
        assert "included" not in plain.json
        page = await api.get("/api/orders?include=market,tags,customer&fields[orders]=market,tags,customer,store")
        shown = page.json["data"][0]["relationships"]
        assert shown["market"]["data"] == elsewhere  # its type is not seeded: linked, and not included
        assert shown["tags"]["data"] == links["tags"]["data"]
        assert shown["customer"]["data"] is None
        assert "data" not in shown["store"]
        assert [record["type"] for record in page.json["included"]] == ["tags"]


async def test_an_empty_to_many_relationship_is_an_empty_list() -> None:
    async with client(seed=("markets=1", "adyen_gateways=1", "orders=1")) as api:
        gateway = await api.get("/api/adyen_gateways?include=adyen_payments")
        assert gateway.json["data"][0]["relationships"]["adyen_payments"]["data"] == []
        order = await api.get("/api/orders?include=tags,market")
        assert order.json["data"][0]["relationships"]["tags"]["data"] == []
        assert order.json["included"] == []


async def test_targets_of_one_id_and_two_types_are_both_included(tmp_path: Path) -> None:
    records: list[dict[str, Any]] = [
        {"type": "markets", "id": "SameIdHere"},
        {"type": "customers", "id": "SameIdHere"},
        {
            "type": "orders",
            "id": "OrderOfAll",
            "relationships": {
                "market": {"data": {"type": "markets", "id": "SameIdHere"}},
                "customer": {"data": {"type": "customers", "id": "SameIdHere"}},
            },
        },
    ]
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(records))
    async with client(seed=(str(seed),)) as api:
        page = await api.get("/api/orders?include=market,customer")
        assert [record["type"] for record in page.json["included"]] == ["markets", "customers"]


async def test_twenty_five_records_of_an_abstract_type_are_read_by_name() -> None:
    keys = [seeded_id("transactions", index) for index in range(25)]
    async with client(seed=("transactions=30",), abstract_transactions=True) as api:
        query = f"filter[q][id_in]={','.join(keys)}&fields[transactions]=type,reference,metadata&page[size]=25"
        page = await api.get(f"/api/transactions?{query}&page[number]=1")
        assert [record["id"] for record in page.json["data"]] == keys
        assert {record["type"] for record in page.json["data"]} == {"transactions"}
        assert {frozenset(record["attributes"]) for record in page.json["data"]} == {
            frozenset({"type", "reference", "metadata"})
        }


async def test_a_read_sees_the_last_write_and_nothing_says_it_may_be_kept() -> None:
    async with client() as api:
        for value in ("1", "2"):
            await api.patch("stripe_payments", PAYMENT, attributes={"reference": value})
            got = await api.get(f"/api/stripe_payments?filter[q][id_in]={PAYMENT}")
            assert got.json["data"][0]["attributes"]["reference"] == value
            assert not {"Cache-Control", "Age", "ETag", "Last-Modified", "Expires"} & set(got.headers)


async def test_a_page_holds_ten_by_default_twenty_five_at_most_and_no_missing_ids() -> None:
    keys = [seeded_id("stripe_payments", index) for index in range(30)]
    async with client() as api:
        plain = await api.get("/api/stripe_payments")
        assert len(plain.json["data"]) == 10
        assert plain.json["meta"] == {"record_count": 30, "page_count": 3}
        last = await api.get("/api/stripe_payments?page[size]=25&page[number]=2")
        assert len(last.json["data"]) == 5
        assert last.json["meta"] == {"record_count": 30, "page_count": 2}
        wanted = [*keys[:24], "NoSuchReco"]
        got = await api.get("/api/stripe_payments?filter[q][id_in]=" + ",".join(wanted) + "&page[size]=25")
        assert [record["id"] for record in got.json["data"]] == keys[:24]
        spaced = await api.get(f"/api/stripe_payments?filter[q][id_in]={keys[0]},%20{keys[1]}")
        assert [record["id"] for record in spaced.json["data"]] == keys[:1]


async def test_records_are_found_by_reference_and_by_one_id() -> None:
    async with client() as api:
        await api.patch("stripe_payments", PAYMENT, attributes={"reference": "a,b"})
        for query in ("filter[q][reference_eq]=a,b", f"filter[q][id_eq]={PAYMENT}"):
            got = await api.get(f"/api/stripe_payments?{query}")
            assert [record["id"] for record in got.json["data"]] == [PAYMENT]
        none = await api.get("/api/stripe_payments?filter[q][reference_eq]=zzz")
        assert none.json["data"] == []


BAD_QUERIES = [
    ("page[size]=26", "INVALID_PAGE_VALUE"),
    ("page[number]=0", "INVALID_PAGE_VALUE"),
    ("page[limit]=1", "PARAM_NOT_ALLOWED"),
    ("limit=1", "PARAM_NOT_ALLOWED"),
    ("filter[q][number_eq]=1", "FILTER_NOT_ALLOWED"),
    ("filter[id]=1", "FILTER_NOT_ALLOWED"),
    ("include=customer", "INVALID_INCLUDE"),
    ("fields[stripe_payments]=nope", "INVALID_FIELD"),
    # triggers cannot be read
    ("fields[stripe_payments]=_refresh", "INVALID_FIELD"),
    # nor what is write-only
    ("fields[customers]=password", "INVALID_FIELD"),
    ("fields[orders]=reference,customer_password", "INVALID_FIELD"),
]


@pytest.mark.parametrize(("query", "code"), BAD_QUERIES)
async def test_a_bad_query_is_400(query: str, code: str) -> None:
    async with client() as api:
        got = await api.get(f"/api/stripe_payments?{query}")
        assert (got.status, got.error["code"]) == (400, code)


async def test_a_token_is_granted_for_client_credentials_as_form_or_json() -> None:
    async with client(mode="live") as api:
        good = {
            "grant_type": "client_credentials",
            "client_id": api.sandbox.client_id,
            "client_secret": api.sandbox.client_secret,
        }
        url = f"{api.sandbox.url}/oauth/token"
        for kind in ("data", "json"):
            async with api.session.post(url, **{kind: good}) as reply:  # type: ignore[arg-type]
                grant = await reply.json()
            assert (reply.status, grant["token_type"]) == (200, "Bearer")
            assert grant["access_token"] == api.sandbox.token
            assert 7100 < grant["expires_in"] <= 7200
        payload = json.loads(base64.urlsafe_b64decode(grant["access_token"].split(".")[1] + "=="))
        assert payload["organization"]["slug"] == "sandbox"
        assert payload["application"]["kind"] == "integration"
        assert payload["test"] is False
        assert payload["exp"] - payload["iat"] == 7200
        assert api.sandbox.client_secret not in json.dumps([entry.document() for entry in api.sandbox.ledger])


BAD_GRANTS = [
    ({"client_secret": "wrong"}, 401, "invalid_client"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"grant_type": None}, 400, "invalid_request"),
]


@pytest.mark.parametrize(("change", "status", "error"), BAD_GRANTS)
async def test_a_bad_token_request_is_refused(change: dict[str, Any], status: int, error: str) -> None:
    settings = SandboxSettings()
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
    } | change
    sent = {name: value for name, value in form.items() if value is not None}
    async with client() as api, api.session.post(f"{api.sandbox.url}/oauth/token", data=sent) as reply:
        assert (reply.status, (await reply.json())["error"]) == (status, error)


@pytest.mark.parametrize("how", ["expire_token", "revoke_token"])
async def test_a_dead_token_is_401_and_the_next_one_is_new(how: str) -> None:
    async with client() as api:
        old = api.sandbox.token
        getattr(api.sandbox, how)()
        got = await api.send("GET", "/api/skus", Authorization=f"Bearer {old}")
        assert (got.status, got.error["code"]) == (401, "INVALID_TOKEN")
        assert api.sandbox.token != old
        assert (await api.get("/api/skus")).status == 200


async def test_the_ledger_tells_every_request_and_can_be_read_from_a_number_on() -> None:
    async with client() as api:
        await api.patch("stripe_payments", PAYMENT, "?include=order", attributes={"reference": "R"})
        await api.patch("stripe_payments", "nobody")
        await api.get("/_sandbox/resources")
        shown = (await api.get("/_sandbox/ledger")).json["entries"]
        assert [(entry["n"], entry["status"], entry["applied"]) for entry in shown] == [(1, 200, True), (2, 404, False)]
        assert shown[0]["path"] == f"/api/stripe_payments/{PAYMENT}?include=order"
        assert (shown[0]["type"], shown[0]["id"], shown[0]["method"]) == ("stripe_payments", PAYMENT, "PATCH")
        assert shown[0]["body"]["data"]["attributes"] == {"reference": "R"}
        assert re.fullmatch("[0-9a-f]{64}", shown[0]["body_sha256"])
        assert (await api.get("/_sandbox/ledger?after=1")).json["entries"] == shown[1:]
        assert (await api.get("/_sandbox/nothing")).status == 404
        assert (await api.get("/_sandbox/ledger?after=x")).status == 400


async def test_the_announcement_is_what_a_caller_needs() -> None:
    async with client() as api:
        told = api.sandbox.announcement()
        assert list(told) == ["url", "token", "client_id", "client_secret"]
        assert told["url"].startswith("http://127.0.0.1:")
        assert told["token"].count(".") == 2
