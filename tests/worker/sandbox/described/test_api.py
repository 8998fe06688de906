"""A described API does what its description says: each line of a table is a line of a description and what follows."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.worker.sandbox.described.fake import Fake
from worker.sandbox import SeedError

ITEMS = """
base_url = "https://{site}.example.com/{version}"
variables = { version = "v2" }
[resources.items]
path = "/items/{id}"
"""
FIELDS = """
[resources.items.fields]
title = { type = "text" }
size = { type = "int" }
state = { type = "text", enum = ["open", "closed"], clear = "never" }
note = { type = "text", clear = "empty" }
made = { read_only = true }
secret = { type = "text", write_only = true }
fire = { type = "bool", action = true }
"""


def items(more: str = "", fields: str = FIELDS, **settings: Any) -> Fake:
    return Fake(ITEMS + more + fields, **settings)


# ---- addresses and credentials


def test_a_record_is_read_at_its_address() -> None:
    got = items().send("GET", "/v2/items/item-1")
    assert got.status == 200
    assert got.json["id"] == "item-1"
    assert (got.entry.type, got.entry.id, got.entry.applied) == ("items", "item-1", False)


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v2/items/other", 404),
        ("GET", "/items/item-1", 404),
        ("DELETE", "/v2/items/item-1", 405),
        ("GET", "/v2/items/item-1?sort=up", 400),
        ("PUT", "/v2/items/item-1", 405),
    ],
)
def test_what_is_not_described_is_refused(method: str, target: str, status: int) -> None:
    assert items().send(method, target).status == status


def test_without_the_credential_everything_is_a_401() -> None:
    assert items().send("GET", "/v2/items/item-1", Authorization="Bearer other").status == 401


def test_a_key_of_several_variables_is_one_address() -> None:
    fake = Fake('[resources.issues]\npath = "/{owner}/{repo}/issues/{number}"\n', given={"owner": "a/b"})
    assert fake.send("GET", "/a%2Fb/demo-repo/issues/2").json["number"] == 2
    assert fake.send("GET", "/other/demo-repo/issues/2").status == 404


def test_what_is_done_to_a_key_in_its_address_is_done_here_too() -> None:
    fake = Fake('[resources.people]\npath = "/people/{email:lower:md5}"\n')
    assert fake.send("GET", "/people/5c39b564d82e54df1f39bd2c9f3c0e11").json["email"] == "person1@example.com"


def test_headers_of_every_request_are_asked_for() -> None:
    fake = Fake('headers = { X-Version = "{v}" }\nvariables = { v = "7" }\n[resources.a]\npath = "/a/{id}"\n')
    assert fake.send("GET", "/a/a-1").status == 400
    assert fake.send("GET", "/a/a-1", X_Version="7").status == 200


# ---- updates


def test_an_update_changes_what_it_sends_and_is_echoed() -> None:
    fake = items()
    got = fake.send("PATCH", "/v2/items/item-1", {"title": "New", "size": 7})
    assert got.status == 200
    assert got.entry.applied
    assert got.json == fake.record("items")
    assert (fake.record("items")["title"], fake.record("items")["size"]) == ("New", 7)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"title": 7}, "is not a text"),
        ({"size": "7"}, "is not a whole number"),
        ({"size": True}, "is not a whole number"),
        ({"state": "ajar"}, "is not one of open, closed"),
        ({"state": None}, "cannot be null"),
        ({"note": None}, "cannot be null"),
        ({"made": "x"}, "is read only"),
    ],
)
def test_a_value_that_a_field_does_not_take_is_refused_and_nothing_changes(sent: dict[str, Any], why: str) -> None:
    fake = items()
    before = json.dumps(fake.record("items"))
    got = fake.send("PATCH", "/v2/items/item-1", {"size": 1, **sent} if "size" not in sent else sent)
    assert got.status == 422
    assert why in got.text.decode()
    assert json.dumps(fake.record("items")) == before
    assert not got.entry.applied


def test_read_only_fields_are_taken_as_they_are() -> None:
    fake = items()
    assert fake.send("PATCH", "/v2/items/item-1", {"made": None, "title": "x"}).status == 200


def test_what_no_read_shows_is_kept_apart_and_actions_are_counted() -> None:
    fake = items()
    assert fake.send("PATCH", "/v2/items/item-1", {"secret": "s", "fire": True}).status == 200
    assert {"secret", "fire"} & fake.record("items").keys() == set()
    shown: Any = fake.api.documents("items")[0]
    assert (shown["hidden"], shown["_sandbox_triggers"]) == ({"secret": "s"}, {"fire": 1})


def test_a_field_is_cleared_as_it_is_described() -> None:
    fake = items()
    assert fake.send("PATCH", "/v2/items/item-1", {"title": None, "note": ""}).status == 200
    assert (fake.record("items")["title"], fake.record("items")["note"]) == (None, None)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"size": NaN}', b'{"a": 1, "a": 2}', b"\xff"])
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    assert items().send("PATCH", "/v2/items/item-1", body).status == 400


def test_another_content_type_is_refused() -> None:
    assert items().send("PATCH", "/v2/items/item-1", {}, Content_Type="text/plain").status == 415


MERGED = """
[resources.items.fields]
whole = { type = "object" }
flat = { type = "map", merge = "shallow" }
deep = { type = "object", merge = "deep" }
"deep.whole" = { type = "object", merge = "replace" }
kept = { type = "keyed", key = "id:int", value = "v", merge = "shallow" }
lost = { type = "keyed", key = "id:int", value = "v" }
labels = { type = "set", item = "/name" }
objects = { type = "list", item = "/name", item_as = "object" }
joined = { type = "set", sep = ";" }
"""


@pytest.mark.parametrize(
    ("name", "old", "sent", "new"),
    [
        ("whole", {"a": 1, "b": 2}, {"b": 3}, {"b": 3}),
        ("flat", {"a": "1", "b": "2"}, {"b": "3"}, {"a": "1", "b": "3"}),
        ("flat", {"a": "1", "b": "2"}, {"b": None}, {"a": "1"}),
        ("deep", {"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ("deep", {"whole": {"b": 1, "c": 2}, "d": 1}, {"whole": {"c": 3}}, {"whole": {"c": 3}, "d": 1}),
        ("kept", [{"id": 1, "v": "a"}], [{"id": 2, "v": "b"}], [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}]),
        ("kept", [{"id": 1, "v": "a", "x": 1}], [{"id": 1, "v": None}], [{"id": 1, "v": None, "x": 1}]),
        ("lost", [{"id": 1, "v": "a"}], [{"id": 2, "v": "b"}], [{"id": 2, "v": "b"}]),
        ("labels", [{"name": "a", "colour": "red"}], ["a", "b"], [{"name": "a", "colour": "red"}, {"name": "b"}]),
        ("objects", [{"name": "a", "x": 1}], [{"name": "a"}], [{"name": "a", "x": 1}]),
        ("joined", "a;b", "a;c", "a;c"),
    ],
)
def test_members_that_are_not_sent_are_kept_or_dropped_as_described(name: str, old: Any, sent: Any, new: Any) -> None:
    fake = items(fields=MERGED)
    fake.record("items")[name] = old
    assert fake.send("PATCH", "/v2/items/item-1", {name: sent}).status == 200
    assert fake.record("items")[name] == new


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("whole", [1]),
        ("flat", {"a": 1}),
        ("kept", [{"v": 1}]),
        ("kept", {"1": "a"}),
        ("labels", [{"name": "a"}]),
        ("objects", ["a"]),
        ("joined", ["a"]),
    ],
)
def test_a_value_of_another_form_is_refused(name: str, sent: Any) -> None:
    assert items(fields=MERGED).send("PATCH", "/v2/items/item-1", {name: sent}).status == 422


def test_a_merge_patch_removes_what_is_null() -> None:
    fake = items('update = { format = "merge_patch" }\n', fields="")
    fake.record("items").update(details={"a": {"b": 1, "c": 2}}, title="x")
    sent = {"details": {"a": {"b": None}, "d": {"e": None, "f": 1}}, "title": None}
    merge = "application/merge-patch+json"
    assert fake.send("PATCH", "/v2/items/item-1", sent, Content_Type=merge).status == 200
    assert fake.record("items")["details"] == {"a": {"c": 2}, "d": {"f": 1}}
    assert "title" not in fake.record("items")


def test_a_json_patch_changes_the_record_and_never_what_is_read_only() -> None:
    fake = items('values = "/v"\nupdate = { format = "json_patch" }\n')
    patch = "application/json-patch+json"
    ok = [{"op": "test", "path": "/id", "value": "item-1"}, {"op": "replace", "path": "/v/title", "value": "New"}]
    assert fake.send("PATCH", "/v2/items/item-1", ok, Content_Type=patch).status == 200
    assert fake.record("items")["v"]["title"] == "New"
    for bad, status in (
        ([{"op": "add", "path": "/v/made", "value": 1}], 422),
        ([{"op": "add", "path": "/v/size", "value": "x"}], 422),
        ([{"op": "remove", "path": "/v/nothing"}], 422),
        ([{"op": "test", "path": "/id", "value": "x"}], 409),
        ([{"op": "add", "path": "/v", "value": 1}], 422),
        ({}, 400),
    ):
        assert fake.send("PATCH", "/v2/items/item-1", bad, Content_Type=patch).status == status, bad


def test_a_whole_record_replaces_all_but_what_nobody_can_write() -> None:
    fake = items('update = { method = "PUT", send = "record" }\n')
    fake.record("items").update(made="yesterday", extra="x")
    assert fake.send("PUT", "/v2/items/item-1", {"title": "New"}).status == 200
    assert fake.record("items") == {"id": "item-1", "made": "yesterday", "title": "New"}


def test_a_form_is_read_by_the_types_of_the_fields() -> None:
    fields = (
        FIELDS + 'tags = { type = "list" }\nmeta = { type = "map", merge = "shallow" }\nold = { type = "object" }\n'
    )
    fake = items('update = { method = "POST", format = "form" }\n', fields)
    fake.record("items").update(meta={"a": "1", "b": "2"}, old={"n": 1}, title="x")
    pairs = {"size": "7", "tags[0]": "a", "tags[1]": "b", "meta[b]": "", "meta[c]": "007", "old[n]": "2", "title": ""}
    form = "application/x-www-form-urlencoded"
    got = fake.send("POST", "/v2/items/item-1", urlencode(pairs).encode(), Content_Type=form)
    assert got.status == 200
    found = fake.record("items")
    assert (found["size"], found["tags"], found["title"]) == (7, ["a", "b"], None)
    assert (found["meta"], found["old"]) == ({"a": "1", "c": "007"}, {"n": 2})
    for bad in (b"size=x", b"a=1&a=2&", b"a[b=1"):
        assert fake.send("POST", "/v2/items/item-1", bad, Content_Type=form).status in {400, 422}, bad


def test_a_json_api_document_names_its_record() -> None:
    fake = items('record = "/data"\nvalues = "/attributes"\nupdate = { format = "json_api" }\n')
    kind = "application/vnd.api+json"

    def document(key: str) -> dict[str, Any]:
        return {"data": {"type": "items", "id": key, "attributes": {"title": "New"}}}

    got = fake.send("PATCH", "/v2/items/item-1", document("item-1"), Content_Type=kind)
    assert got.json["data"]["attributes"]["title"] == "New"
    assert fake.send("PATCH", "/v2/items/item-1", document("item-2"), Content_Type=kind).status == 409
    refused = fake.send(
        "PATCH",
        "/v2/items/item-1",
        {"data": {"type": "items", "id": "item-1", "attributes": {"size": "x"}}},
        Content_Type=kind,
    )
    assert refused.json["errors"][0]["source"] == {"pointer": "/data/attributes/size"}


WRAPPED = """
record = "/item"
values = "/fields"
update = { wrap = "/item/fields", constants = { "/typecast" = true, "/item/kind" = "{id}" }, echo = "/done" }
[resources.items.fields]
title = { type = "text" }
level = { type = "int", read_from = "/meta/level", write_to = "/changes/level" }
owner = { type = "text", read_from = "/owner/name" }
"custom.*" = { write_to = "/custom/{field}" }
"""


def test_fields_stand_where_they_are_described() -> None:
    fake = items(WRAPPED, fields="")
    sent = {
        "typecast": True,
        "item": {"kind": "item-1", "fields": {"title": "New", "owner": None}},
        "changes": {"level": 7},
        "custom": {"custom.a": "x"},
    }
    got = fake.send("PATCH", "/v2/items/item-1", sent)
    assert got.status == 200, got.text
    record = fake.record("items")["item"]
    assert got.json == {"done": record}
    assert (record["fields"]["title"], record["meta"], record["owner"]) == ("New", {"level": 7}, None)
    assert record["fields"]["custom"] == {"a": "x"}


@pytest.mark.parametrize(
    "sent",
    [
        {"item": {"kind": "item-1", "fields": {"title": "x"}}},
        {"typecast": False, "item": {"kind": "item-1", "fields": {"title": "x"}}},
        {"typecast": True, "item": {"kind": "item-2", "fields": {"title": "x"}}},
        {"typecast": True, "item": {"kind": "item-1", "fields": {"title": "x"}}, "stray": 1},
        {"typecast": True, "item": {"kind": "item-1"}},
    ],
)
def test_a_body_without_what_every_update_has_or_with_more_is_refused(sent: Any) -> None:
    assert items(WRAPPED, fields="").send("PATCH", "/v2/items/item-1", sent).status == 400


def test_a_mask_names_what_is_sent_and_what_it_names_alone_is_cleared() -> None:
    fake = items('update = { mask = "mask" }\n')
    target = "/v2/items/item-1"
    assert fake.send("PATCH", f"{target}?mask=title,size", {"title": "New"}).status == 200
    assert (fake.record("items")["title"], fake.record("items")["size"]) == ("New", None)
    assert fake.send("PATCH", f"{target}?mask=title", {"size": 1}).status == 400
    assert fake.send("PATCH", target, {"size": 1}).status == 400


# ---- versions


def test_an_update_of_an_old_version_by_header_is_a_412() -> None:
    fake = items('precondition = { headers = { If-Match = "{@ETag}" } }\n')
    tag = fake.send("GET", "/v2/items/item-1").headers["etag"]
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1}, If_Match=tag).status == 200
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 2}, If_Match=tag).status == 412
    assert fake.record("items")["size"] == 1
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 2}).status == 200


def test_an_update_of_an_old_version_by_member_is_a_409() -> None:
    fake = items('precondition = { body = { "/stamp" = "{/changed_at}", "/safe" = true } }\n')
    stamp = fake.record("items")["changed_at"]
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1, "stamp": stamp}).status == 400
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1, "stamp": stamp, "safe": True}).status == 200
    assert fake.record("items")["changed_at"] != stamp
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 2, "stamp": stamp, "safe": True}).status == 409


def test_an_update_of_an_old_version_by_parameter_is_a_409() -> None:
    fake = items('precondition = { query = { rev = "{/rev}" } }\n')
    rev = fake.record("items")["rev"]
    assert fake.send("PATCH", f"/v2/items/item-1?rev={rev}", {"size": 1}).status == 200
    assert fake.send("PATCH", f"/v2/items/item-1?rev={rev}", {"size": 1}).status == 409


def test_an_idempotency_key_has_one_effect_and_one_reply() -> None:
    fake = Fake('idempotency_key = "Idempotency-Key"\n' + ITEMS + FIELDS)
    first = fake.send("PATCH", "/v2/items/item-1", {"size": 1}, Idempotency_Key="k")
    fake.record("items")["size"] = 99
    again = fake.send("PATCH", "/v2/items/item-1", {"size": 1}, Idempotency_Key="k")
    assert (again.status, again.json) == (200, first.json)
    assert (again.entry.applied, fake.record("items")["size"]) == (False, 99)
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 2}, Idempotency_Key="k").status == 400


# ---- reads

MANY = """
omits_empty = true
[resources.items.read_many]
method = "POST"
path = "/items/search"
body = { in = [{ id = "{ids}" }], fields = ["size", "{fields}"] }
max_ids = 3
records = "/hits"
"""


def test_many_are_read_at_once_as_far_as_they_exist() -> None:
    body = {"in": [{"id": "item-2"}, {"id": "no"}], "fields": ["size", "title"]}
    fake = items(MANY)
    fake.record("items", 1)["title"] = "T"
    got = fake.send("POST", "/v2/items/search", body)
    assert got.status == 200, got.text
    assert [each.keys() - {"id"} for each in got.json["hits"]] == [{"title"}]
    assert [each["id"] for each in got.json["hits"]] == ["item-2"]


@pytest.mark.parametrize(
    "body",
    [
        {"in": [{"id": "item-2"}]},
        {"in": [{"id": "item-2", "x": 1}], "fields": ["size"]},
        {"in": [{"id": "item-2"}], "fields": []},
        {"in": [{"id": str(number)} for number in range(4)], "fields": ["size"]},
    ],
)
def test_a_page_that_is_asked_for_otherwise_is_refused(body: Any) -> None:
    assert items(MANY).send("POST", "/v2/items/search", body).status == 400


@pytest.mark.parametrize(
    ("each", "ids"),
    [("{id}", "item-1,item-3"), ("ID()='{id}'", "ID()='item-1',ID()='item-3'"), ('"{id}"', '"item-1","item-3"')],
)
def test_ids_in_a_parameter_are_written_one_by_one_as_described(each: str, ids: str) -> None:
    many = f"[resources.items.read_many]\npath = '/items?f=OR({{ids}})'\neach = '''{each}'''\n"
    got = items(many).send("GET", f"/v2/items?{urlencode({'f': f'OR({ids})'})}")
    assert [record["id"] for record in got.json] == ["item-1", "item-3"]


@pytest.mark.parametrize("join", ["|", " OR "])
def test_ids_are_joined_as_described(join: str) -> None:
    many = f"[resources.items.read_many]\npath = '/items?f={{ids}}'\njoin = '{join}'\n"
    got = items(many).send("GET", f"/v2/items?{urlencode({'f': join.join(['item-1', 'item-3'])})}")
    assert [record["id"] for record in got.json] == ["item-1", "item-3"]


def test_what_is_empty_is_left_out_where_it_is_described_so() -> None:
    fake = items("omits_empty = true\n")
    fake.record("items").update(size=0, title="", made=None, note="x")
    assert fake.send("GET", "/v2/items/item-1").json.keys() == {"id", "note", "state"}


def test_a_read_of_some_fields_shows_only_these_and_the_key() -> None:
    fake = items('read = { query = { only = "{fields}" } }\n')
    assert fake.send("GET", "/v2/items/item-1?only=size,title").json.keys() == {"id", "size", "title"}
    assert "note" in fake.send("GET", "/v2/items/item-1").json


def test_records_are_found_by_another_field_exactly() -> None:
    fake = items(
        'find = { by = ["title", "size"], path = "/find", query = { q = "{by}:{value}" }, records = "/hits" }\n'
    )
    fake.record("items").update(title="a:b", size=None)
    assert [each["id"] for each in fake.send("GET", "/v2/find?q=title:a:b").json["hits"]] == ["item-1"]
    assert fake.send("GET", "/v2/find?q=title:A:b").json["hits"] == []
    assert fake.send("GET", "/v2/find?q=note:x").status == 400


def test_types_with_one_address_share_their_records() -> None:
    fake = Fake(
        ITEMS.replace(
            "[resources", '[resources.firsts]\npath = "/items/{id}"\nupdate = { format = "json_patch" }\n[resources'
        )
        + FIELDS
    )
    operations = [{"op": "add", "path": "/title", "value": "New"}]
    got = fake.send("PATCH", "/v2/items/first-1", operations, Content_Type="application/json-patch+json")
    assert (got.status, got.entry.type) == (200, "firsts")
    assert fake.send("PATCH", "/v2/items/first-1", {"size": 1}).entry.type == "items"
    assert fake.record("items") is fake.record("firsts")


# ---- limits


def test_more_than_a_declared_limit_is_refused_until_there_is_room() -> None:
    fake = Fake('limits = [{ rate = "2/10s", on = "update" }]\n' + ITEMS + FIELDS, share=1.0)
    statuses = [fake.send("PATCH", "/v2/items/item-1", {"size": 1}, at=at).status for at in (1.0, 2.0, 3.0, 11.0)]
    assert statuses == [200, 200, 429, 200]
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1}, at=11.5).headers["retry-after"] == "1"
    assert fake.send("GET", "/v2/items/item-1", at=11.5).status == 200


@pytest.mark.parametrize(
    ("per", "other", "status"),
    [("record", "item-2", 200), ("path", "item-2", 429), ("credential", "item-2", 429), ("{id}", "item-2", 200)],
)
def test_a_limit_is_counted_by_what_it_is_of(per: str, other: str, status: int) -> None:
    fake = items(f'limits = [{{ rate = "1/10s", per = "{per}" }}]\n', share=1.0)
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1}).status == 200
    assert fake.send("PATCH", "/v2/items/item-1", {"size": 1}).status == 429
    assert fake.send("PATCH", f"/v2/items/{other}", {"size": 1}).status == status


def test_headers_tell_a_limit_in_the_forms_that_are_described() -> None:
    headers = 'limit_headers = [{ limit = "X-Max", remaining = "X-Left", reset = "X-Ends", reset_format = "ms" }]\n'
    fake = Fake('limits = [{ rate = "4/10s" }]\n' + headers + ITEMS + FIELDS, share=0.5)
    told = fake.send("GET", "/v2/items/item-1").headers
    assert (told["x-max"], told["x-left"], told["x-ends"]) == ("2", "1", "10000")


def test_a_limit_of_the_users_own_takes_the_place_of_those_declared() -> None:
    fake = Fake('limits = [{ rate = "1/10s" }]\n' + ITEMS + FIELDS, share=1.0, limit=(8, 60.0))
    statuses = [fake.send("PATCH", "/v2/items/item-1", {"size": 1}).status for _ in range(3)]
    assert statuses == [200, 200, 429]  # its burst is a quarter, as that of Commerce Layer
    assert fake.send("GET", "/v2/items/item-1").headers["x-ratelimit-limit"] == "8"


# ---- failures in the words of the description


TOP = """
limits = [{ rate = "1/10s" }]
errors = { message = "/error/text", code = "/error/code", request_id = "/id" }
"""
RULE = """
[[error_rules]]
status = [403]
code = "slow"
text = "secondary limit"
header = { X-Why = "pace" }
body = { "/ok" = false }
means = "slow_down"
"""


def test_a_failure_is_told_as_its_rule_says() -> None:
    fake = Fake(TOP + ITEMS + FIELDS + RULE, share=1.0)
    fake.send("GET", "/v2/items/item-1")
    got = fake.send("GET", "/v2/items/item-1")
    assert (got.status, got.headers["x-why"]) == (403, "pace")
    assert got.json["error"]["code"] == "slow"
    assert "secondary limit" in got.json["error"]["text"]
    assert (got.json["ok"], bool(got.json["id"])) == (False, True)


@pytest.mark.parametrize(
    ("errors", "shown"),
    [
        ("", {"message": "Some fields do not take their values. size is not a whole number"}),
        (
            'errors = { items = ["/e"], message = "/m", code = "/c", field = "/f" }\n',
            {
                "m": "Some fields do not take their values.",
                "c": "validation_failed",
                "e": [{"m": "size is not a whole number", "c": "validation_failed", "f": "size"}],
            },
        ),
        (
            'errors = { items = ["/details"], message = "/description", code = "/error" }\n',
            {
                "description": "Some fields do not take their values.",
                "error": "validation_failed",
                "details": {"size": [{"description": "size is not a whole number", "error": "validation_failed"}]},
            },
        ),
        ('errors = { items = ["/texts", "/errors"] }\n', {"errors": {"size": "is not a whole number"}}),
        (
            'errors = { message = "/m", field = "/d/0/name" }\n',
            {"m": "Some fields do not take their values. size is not a whole number", "d": [{"name": "size"}]},
        ),
    ],
)
def test_what_is_wrong_stands_where_it_is_described(errors: str, shown: Any) -> None:
    assert Fake(errors + ITEMS + FIELDS).send("PATCH", "/v2/items/item-1", {"size": "x"}).json == shown


# ---- faults and seeds


def test_faults_strike_as_in_the_other_sandbox() -> None:
    fake = items(faults=1.0)
    seen = {fake.send("PATCH", "/v2/items/item-1", {"size": 1}).entry.fault for _ in range(60)}
    assert seen == {"500-before", "503-before", "500-after", "reset-before", "reset-after", "lost-after"}
    assert {entry.applied for entry in fake.api.ledger.entries if entry.fault.endswith("-before")} == {False}
    assert {entry.applied for entry in fake.api.ledger.entries if entry.fault.endswith("-after")} == {True}


def test_the_same_seed_makes_the_same_records() -> None:
    assert items().record("items") == items().record("items")


def test_records_come_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps({"items": [{"id": "x", "title": "T"}]}))
    fake = items(seed=(str(path),))
    assert fake.send("GET", "/v2/items/x").json == {"id": "x", "title": "T"}


@pytest.mark.parametrize("seed", ["others=3", "items=x", "nowhere.json"])
def test_a_seed_that_cannot_be_used_is_refused(seed: str) -> None:
    with pytest.raises(SeedError):
        items(seed=(seed,))


def test_the_ledger_shows_forms_and_hides_what_asks_for_tokens() -> None:
    fake = items('update = { method = "POST", format = "form" }\n')
    got = fake.send("POST", "/v2/items/item-1", b"size=7", Content_Type="application/x-www-form-urlencoded")
    assert got.entry.body == {"size": "7"}
