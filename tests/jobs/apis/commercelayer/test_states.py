"""The reading side of the API: requests to the byte, replies to live state, and both against the sandbox."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs.apis.commercelayer.states import SECRET_ATTRIBUTES, read_record, read_state, read_states
from jobs.apis.documents import MEDIA_TYPE
from jobs.changes.diff import Change, difference, linkage
from jobs.model import JSON, Fields, Link, Live, Reply, Request, RowRef, UpdateJob
from tests.commerce_layer import record_request, state_request, states_request, update_request
from tests.samples.recorded import sample
from tests.schemas import TERMS
from worker.lane.authority import Headers
from worker.lane.transport import Transport
from worker.sandbox import Sandbox, SandboxSettings, seeded_id, serve

REF = RowRef(1, 2, b"")
PAYMENT = seeded_id("stripe_payments", 0)
ORDER = seeded_id("orders", 0)
PAGE = "page[size]=25&page[number]=1"
ADDRESSES = "billing_address,shipping_address"
Links = Link | tuple[Link, ...] | None


def fields(*attributes: str, links: tuple[str, ...] = (), tags: bool = False) -> Fields:
    return Fields(frozenset(attributes), frozenset(links), tags)


def reply(document: Any, status: int = 200) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Reply(status, {"content-type": MEDIA_TYPE}, body)


def page(*resources: Any, **document: Any) -> Reply:
    return reply({"data": list(resources), **document})


def order(**members: Any) -> dict[str, Any]:
    return {"type": "orders", "id": "oRdEr", **members}


# requests


@pytest.mark.parametrize(
    ("type_name", "wanted", "query"),
    [
        # names are sorted
        ("orders", fields("reference", "metadata"), f"fields[orders]=metadata,reference&{PAGE}"),
        # nothing but whether they are there
        ("orders", fields(), f"fields[orders]=id&{PAGE}"),
        # an abstract type: which concrete one
        ("transactions", fields(), f"fields[transactions]=type&{PAGE}"),
        ("transactions", fields("reference"), f"fields[transactions]=reference,type&{PAGE}"),
        # a link is shown when its target is included, of which the id is enough
        (
            "orders",
            fields("reference", links=("market",)),
            f"fields[orders]=market,reference&fields[markets]=id&include=market&{PAGE}",
        ),
        # two relationships to one type
        (
            "orders",
            fields(links=("shipping_address", "billing_address")),
            f"fields[orders]={ADDRESSES}&fields[addresses]=id&include={ADDRESSES}&{PAGE}",
        ),
        # a relationship to several types
        (
            "links",
            fields(links=("item",)),
            f"fields[links]=item&fields[orders]=id&fields[sku_lists]=id&fields[skus]=id&include=item&{PAGE}",
        ),
        # tags: their names
        ("orders", fields(tags=True), f"fields[orders]=tags&fields[tags]=name&include=tags&{PAGE}"),
        # tags as links: their ids; as both: their names, each resource having its id anyway
        ("orders", fields(links=("tags",)), f"fields[orders]=tags&fields[tags]=id&include=tags&{PAGE}"),
        ("orders", fields(links=("tags",), tags=True), f"fields[orders]=tags&fields[tags]=name&include=tags&{PAGE}"),
        # what the catalogue does not know is asked for all the same
        ("orders", fields(links=("no_such",)), f"fields[orders]=no_such&include=no_such&{PAGE}"),
        ("no_such", fields("a&b"), f"fields[no_such]=a%26b&{PAGE}"),
    ],
)
def test_a_page_asks_for_the_fields_that_matter(type_name: str, wanted: Fields, query: str) -> None:
    target = f"/api/{type_name}?filter[q][id_in]=aA&{query}"
    assert states_request(type_name, ["aA"], wanted) == Request("GET", target)


@pytest.mark.parametrize(
    ("type_name", "wanted", "query"),
    [
        ("customers", fields("email", "password"), PAGE),  # every attribute: one name was refused
        ("transactions", fields(), PAGE),
        (
            "orders",
            fields("customer_password", links=("market",), tags=True),  # what is included stays small
            f"fields[markets]=id&fields[tags]=name&include=market,tags&{PAGE}",
        ),
    ],
)
def test_a_page_that_is_not_sparse_names_no_field_of_its_own(type_name: str, wanted: Fields, query: str) -> None:
    request = states_request(type_name, ["aA"], wanted, sparse=False)
    assert request == Request("GET", f"/api/{type_name}?filter[q][id_in]=aA&{query}")


def test_ids_are_parted_by_plain_commas_in_the_order_given_and_cannot_leave_their_place() -> None:
    target = states_request("orders", ["b", "a", "c,d", "e&f=g h#"], fields()).target
    assert target == f"/api/orders?filter[q][id_in]=b,a,c%2Cd,e%26f%3Dg%20h%23&fields[orders]=id&{PAGE}"
    assert parse_qs(urlsplit(target).query)["filter[q][id_in]"] == ["b,a,c,d,e&f=g h#"]


def test_a_record_is_asked_for_whole() -> None:
    assert record_request("transactions", "a/b") == Request("GET", "/api/transactions/a%2Fb")


@pytest.mark.parametrize(
    ("type_name", "wanted", "query"),
    [
        ("orders", fields("reference"), ""),  # all attributes: one that it never shows is no reason to refuse
        ("transactions", fields(), ""),
        ("orders", fields(links=("market",)), "?fields[markets]=id&include=market"),
        ("orders", fields(tags=True), "?fields[tags]=name&include=tags"),
    ],
)
def test_one_record_is_asked_for_with_what_is_wanted_of_it(type_name: str, wanted: Fields, query: str) -> None:
    assert state_request(type_name, "a/b", wanted) == Request("GET", f"/api/{type_name}/a%2Fb{query}")


# pages


def test_a_page_is_live_state_by_id() -> None:
    wanted = fields("reference", "metadata", "customer_password", "token", links=("market", "customer"), tags=True)
    states = read_states(sample("orders_page"), "orders", wanted)
    assert states == {
        "oRdErTaGgD": Live(
            "orders",
            {"reference": "A-1", "metadata": {"batch": "7", "n": 123456789012345678901234567890, "price": 1.1}},
            {"market": Link("markets", "mArKeTiDxY"), "customer": None},
            frozenset({"vip", "sale"}),
            wanted,
        ),
        "oRdErPlAiN": Live("orders", {"reference": None, "metadata": {}}, {"market": None}, frozenset(), wanted),
    }


@pytest.mark.parametrize(
    ("asked", "resource"),
    [
        ("orders", {"type": "skus", "id": "a"}),
        ("orders", {"type": None, "id": "a"}),
        ("orders", {"type": ["orders"], "id": "a"}),
        ("orders", {"id": "a"}),
        ("orders", {"type": "orders"}),
        ("orders", {"type": "orders", "id": 7}),
        ("orders", 7),
        ("captures", {"type": "transactions", "id": "a"}),  # the other way round
        # what it says of itself makes no transaction of an order
        ("transactions", {"type": "orders", "id": "a", "attributes": {"type": "captures"}}),
    ],
)
def test_what_is_no_record_of_the_type_is_ignored(asked: str, resource: JSON) -> None:
    assert read_states(page(resource), asked, fields()) == {}


@pytest.mark.parametrize(
    ("attributes", "concrete"),
    [
        ({"type": "voids"}, "voids"),
        ({"type": "orders"}, "captures"),  # no transaction
        ({"type": ["voids"]}, "captures"),
        (7, "captures"),
    ],
)
def test_the_attribute_names_the_concrete_type_and_else_the_resource(attributes: JSON, concrete: str) -> None:
    states = read_states(page({"type": "captures", "id": "a", "attributes": attributes}), "transactions", fields())
    assert states == {"a": Live(concrete, {})}


@pytest.mark.parametrize(
    "answer",
    [
        sample("captive_portal"),  # HTML with 200
        sample("forbidden"),
        sample("record_not_found"),
        reply({"data": []}, 206),
        reply({"data": order()}),  # one record is no page
        reply({"data": None}),
        reply({}),
        reply([]),
        reply(b'{"data":['),  # broken off
        reply(b'{"data":' + b"[" * 100_000),  # too deep for the parser
        reply(b'{"data":[],"n":' + b"9" * 5000 + b"}"),  # too long for the parser
        Reply(200, {"content-type": MEDIA_TYPE}, b'{"data":[]}', complete=False),
        Reply(200, {}, b'{"data":[]}'),
    ],
)
def test_a_page_that_cannot_be_used_is_none(answer: Reply) -> None:
    assert read_states(answer, "orders", fields()) is None


def test_what_is_not_shown_is_not_in_it() -> None:
    (live,) = (read_states(page(order()), "orders", fields("reference", links=("market",), tags=True)) or {}).values()
    assert (live.attributes, live.relationships, live.tags) == ({}, {}, None)


@pytest.mark.parametrize("name", sorted(SECRET_ATTRIBUTES))
def test_a_secret_is_never_taken_even_when_asked_for(name: str) -> None:
    answer = page(order(attributes={name: "s3cret", "reference": "R"}))
    states = read_states(answer, "orders", fields(name, "reference"))
    assert states is not None
    assert states["oRdEr"].attributes == {"reference": "R"}
    assert "s3cret" not in repr(states)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"1.10", 1.1),
        (b"1e22", 1e22),
        (b"-0.0", -0.0),
        (b'{"a":{"b":[null,true,"\\u00e9"]}}', {"a": {"b": [None, True, "é"]}}),
        (b'"\\ud83e\\uddfe"', "🧾"),
        (b"[" * 100 + b"]" * 100, "nested"),
    ],
)
def test_values_are_taken_as_they_are(text: bytes, value: JSON) -> None:
    states = read_states(reply(b'{"data":[{"type":"orders","id":"a","attributes":{"v":%s}}]}' % text), "orders", V)
    assert states is not None
    taken = states["a"].attributes["v"]
    assert json.dumps(taken) == (json.dumps(value) if value != "nested" else "[" * 100 + "]" * 100)


V = fields("v")


@pytest.mark.parametrize(
    "text",
    [
        b"1e999",  # infinity
        b'{"a":[-1e999]}',
        b"NaN",
        b'"\\ud800"',  # half of a character: neither SQLite nor UTF-8 can hold it
        b'{"\\udfff":1}',
        b"[" * 101 + b"]" * 101,  # deeper than an input may be
        b"[" * 700 + b"]" * 700,
    ],
)
def test_a_value_that_could_not_be_sent_back_is_not_taken_and_harms_no_other(text: bytes) -> None:
    body = b'{"data":[{"type":"orders","id":"a","attributes":{"v":%s,"w":1}},{"type":"orders","id":"b"}]}' % text
    states = read_states(reply(body), "orders", fields("v", "w"))
    assert states is not None
    assert [dict(live.attributes) for live in states.values()] == [{"w": 1}, {}]
    one = b'{"data":{"type":"orders","id":"a","attributes":{"v":%s,"w":1}}}' % text
    assert read_record(reply(one), "orders", "a") == {"w": 1}


M = Link("markets", "m")


@pytest.mark.parametrize(
    ("relationships", "shown"),
    [
        ({"market": {"data": {"type": "markets", "id": "m"}}}, {"market": M}),
        ({"market": {"data": None}}, {"market": None}),
        ({"market": {"data": []}}, {"market": ()}),
        ({"market": {"data": [{"type": "markets", "id": "m"}] * 2}}, {"market": (M, M)}),
        ({"market": {"data": {"type": "markets", "id": "m"}}, "store": {"data": None}}, {"market": M}),  # not asked for
        ({"market": {"links": {"self": "https://x"}}}, {}),  # not included, and so not shown
        ({"market": {}}, {}),
        ({"market": None}, {}),
        ({"market": {"data": {"type": "markets"}}}, {}),
        ({"market": {"data": {"type": "markets", "id": 7}}}, {}),
        ({"market": {"data": {"type": None, "id": "m"}}}, {}),
        ({"market": {"data": {"type": "markets", "id": "\ud800"}}}, {}),
        ({"market": {"data": "m"}}, {}),
        ({"market": {"data": 0}}, {}),
        ({"market": {"data": [{"type": "markets", "id": "m"}, {"type": "markets"}]}}, {}),  # half a list is no list
        ([], {}),
    ],
)
def test_links_are_read_from_their_linkage(relationships: JSON, shown: dict[str, Links]) -> None:
    states = read_states(page(order(relationships=relationships)), "orders", fields(links=("market",)))
    assert states is not None
    assert states["oRdEr"].relationships == shown


def tag(key: str, name: JSON) -> dict[str, Any]:
    return {"type": "tags", "id": key, "attributes": {"name": name}}


LINKED = {"tags": {"data": [{"type": "tags", "id": "t"}, {"type": "tags", "id": "u"}]}}


@pytest.mark.parametrize(
    ("relationships", "included", "names"),
    [
        (LINKED, [tag("t", "vip"), tag("u", "sale"), tag("w", "of another record")], {"vip", "sale"}),
        ({"tags": {"data": []}}, [], set()),
        ({"tags": {"data": []}}, None, set()),  # nothing linked, and so nothing included
        ({}, [], None),  # no linkage: not none, but not known
        ({}, None, None),
        ({"tags": {"data": None}}, [], None),
        (LINKED, None, None),
        (LINKED, [tag("t", "vip")], None),  # one of them is not named
        (LINKED, [tag("t", "vip"), tag("u", 7)], None),
        (LINKED, [tag("t", "vip"), tag("u", "\ud800")], None),
        (LINKED, [tag("t", "vip"), {"type": "markets", "id": "u", "attributes": {"name": "EU"}}], None),
        (LINKED, [tag("t", "vip"), 7], None),
        ({"tags": {"data": [7]}}, [7], None),
    ],
)
def test_tags_are_their_names_or_not_known(relationships: JSON, included: JSON, names: set[str] | None) -> None:
    document = {} if included is None else {"included": included}
    states = read_states(page(order(relationships=relationships), **document), "orders", fields(tags=True))
    assert states is not None
    assert states["oRdEr"].tags == (None if names is None else frozenset(names))


def test_tags_that_were_not_asked_for_are_not_known() -> None:
    answer = page(order(relationships=LINKED), included=[tag("t", "vip"), tag("u", "sale")])
    states = read_states(answer, "orders", fields(links=("tags",)))
    assert states == {
        "oRdEr": Live("orders", {}, {"tags": (Link("tags", "t"), Link("tags", "u"))}, None, fields(links=("tags",)))
    }


# records


@pytest.mark.parametrize(
    ("answer", "live"),
    [
        (reply({"data": order(attributes={"reference": "R", "token": "s3cret"})}), Live("orders", {"reference": "R"})),
        (reply({"data": order(id="oRdEx")}), None),  # another record
        (reply({"data": order(type="skus")}), None),
        (reply({"data": [order()]}), None),
        (reply({"data": order()}, 201), None),
        (reply({}), None),
        (sample("captive_portal"), None),
    ],
)
def test_one_record_is_live_state_if_it_is_the_one(answer: Reply, live: Live | None) -> None:
    wanted = fields("reference", "token")
    expected = replace(live, fields=wanted) if live else None
    assert read_state(answer, "orders", "oRdEr", wanted) == expected


@pytest.mark.parametrize(
    ("case", "secrets"),
    [("stripe_payment", {"client_secret", "publishable_key"}), ("transaction", {"token"})],
)
def test_a_record_is_all_its_attributes_but_the_secrets(case: str, secrets: set[str]) -> None:
    data = json.loads(sample(case).body)["data"]
    rest = {name: value for name, value in data["attributes"].items() if name not in secrets}
    assert len(rest) == len(data["attributes"]) - len(secrets)
    assert read_record(sample(case), data["type"], data["id"]) == rest


@pytest.mark.parametrize(
    ("answer", "asked", "record"),
    [
        (reply({"data": order(attributes={"a": 1})}), "orders", {"a": 1}),
        (reply({"data": order()}), "orders", {}),
        (reply({"data": {"type": "captures", "id": "oRdEr"}}), "transactions", {}),  # the concrete type
        (reply({"data": {"type": "transactions", "id": "oRdEr"}}), "captures", None),
        (reply({"data": {"type": "skus", "id": "oRdEr"}}), "orders", None),
        (reply({"data": order(id="order")}), "orders", None),  # case matters
        (reply({"data": [order()]}), "orders", None),
        (reply({"data": order()}, 201), "orders", None),
        (sample("record_not_found"), "orders", None),
        (sample("captive_portal"), "orders", None),
    ],
)
def test_a_record_is_read_from_a_success_about_it(answer: Reply, asked: str, record: JSON) -> None:
    assert read_record(answer, asked, "oRdEr") == record


# against the sandbox

SEED = ("stripe_payments=3", "orders=2", "transactions=8", "customers=1")


class Api:
    """What a client of the API does, without pace or patience."""

    def __init__(self, sandbox: Sandbox, transport: Transport) -> None:
        self.sandbox = sandbox
        self.transport = transport

    async def send(self, request: Request) -> Reply:
        fields = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": f"Bearer {self.sandbox.token}"}
        outcome = await self.transport.send(request, Headers(tuple(fields.items())))
        assert isinstance(outcome, Reply), outcome
        return outcome

    async def patch(self, type_name: str, key: str, change: Change) -> None:
        request = update_request(UpdateJob(REF, type_name, key), change, type_name)
        assert (await self.send(request)).status == 200

    async def states(self, type_name: str, ids: list[str], wanted: Fields, *, sparse: bool = True) -> dict[str, Live]:
        states = read_states(await self.send(states_request(type_name, ids, wanted, sparse=sparse)), type_name, wanted)
        assert states is not None
        return states


@asynccontextmanager
async def api() -> AsyncIterator[Api]:
    async with serve(SandboxSettings(seed=SEED)) as sandbox, Transport(sandbox.url, timeout=5, connections=1) as wire:
        yield Api(sandbox, wire)


async def test_payments_are_read_back_as_they_were_written_and_a_missing_one_is_absent() -> None:
    metadata: dict[str, JSON] = {"n": 10**29, "price": 1.1, "text": "007 🧾", "none": None}
    wanted = fields("reference", "metadata")
    async with api() as it:
        await it.patch("stripe_payments", PAYMENT, Change({"reference": "A,1", "metadata": metadata}))
        other = seeded_id("stripe_payments", 2)
        states = await it.states("stripe_payments", [other, "NoSuchReco", PAYMENT], wanted)
        assert states == {
            PAYMENT: Live("stripe_payments", {"reference": "A,1", "metadata": metadata}, fields=wanted),
            other: Live("stripe_payments", {"reference": None, "metadata": {"origin": "seed"}}, fields=wanted),
        }


async def test_an_orders_links_and_tags_are_read_back() -> None:
    market = Link("markets", "AnyMarket1")
    wanted = fields("reference", links=("market", "customer"), tags=True)
    async with api() as it:
        await it.patch("orders", ORDER, Change({"_add_tags": "vip,sale"}, {"market": market}))
        states = await it.states("orders", [ORDER, seeded_id("orders", 1)], wanted)
        tagged, plain = states[ORDER], states[seeded_id("orders", 1)]
        assert tagged.relationships == {"market": market, "customer": None}
        assert plain.relationships == {"market": None, "customer": None}
        assert (tagged.tags, plain.tags) == (frozenset({"vip", "sale"}), frozenset())
        done = UpdateJob(REF, "orders", ORDER, relationships={"market": market}, add_tags=("vip",))
        assert difference(done, tagged, TERMS).is_empty


async def test_tags_are_read_back_as_links() -> None:
    links = tuple(Link("tags", seeded_id("tags", index)) for index in range(2))
    async with api() as it:
        await it.patch("orders", ORDER, Change({}, {"tags": links}))
        states = await it.states("orders", [ORDER], fields(links=("tags",)))
        assert linkage(states[ORDER].relationships["tags"]) == linkage(links)


@pytest.mark.parametrize("sparse", [True, False])
async def test_abstract_records_tell_their_concrete_types(*, sparse: bool) -> None:
    keys = [seeded_id("transactions", index) for index in range(8)]
    wanted = fields("reference", "metadata", "token")
    async with api() as it:
        states = await it.states("transactions", keys, wanted, sparse=sparse)
        assert [states[key].type for key in keys] == ["authorizations", "captures", "refunds", "voids"] * 2
        values = {"reference": None, "metadata": {"origin": "seed"}}
        assert all(live.attributes == values for live in states.values())


async def test_a_write_only_field_is_refused_and_then_simply_not_shown() -> None:
    key = seeded_id("customers", 0)
    wanted = fields("email", "password", tags=True)
    async with api() as it:
        assert (await it.send(states_request("customers", [key], wanted))).status == 400
        states = await it.states("customers", [key], wanted, sparse=False)
        assert states == {key: Live("customers", {"email": None}, {}, frozenset(), wanted)}


async def test_a_whole_record_is_read_and_a_missing_one_is_404() -> None:
    async with api() as it:
        record = read_record(await it.send(record_request("stripe_payments", PAYMENT)), "stripe_payments", PAYMENT)
        assert record is not None
        assert {"reference", "metadata", "created_at", "updated_at"} <= record.keys()
        assert not SECRET_ATTRIBUTES & record.keys()
        missing = await it.send(record_request("stripe_payments", "NoSuchReco"))
        assert (missing.status, read_record(missing, "stripe_payments", "NoSuchReco")) == (404, None)
