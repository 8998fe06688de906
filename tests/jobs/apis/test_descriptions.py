"""The descriptions that come along: well formed, and what each makes of a row, as the vendor's pages ask for it.

What is expected here is written from those pages, and not from the descriptions.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from jobs.apis.described.api import DescribedApi, described
from jobs.apis.described.meaning import scope_of
from jobs.apis.description.keys import key_of, variables_of
from jobs.apis.description.loading import load
from jobs.apis.description.templates import TRANSFORMS, template
from jobs.apis.description.types import TYPE
from jobs.apis.description.variables import base_url, constants, fixed_variables, names_in
from jobs.apis.meanings import Meaning
from jobs.changes.diff import CompareRules, difference, fields
from jobs.model import ABSENT, JSON, Absent, Fields, Reply, Request, UpdateJob
from jobs.names import steps_of
from tests.jobs.apis.described.kit import REF, reply

_FILES = sorted(files("jobs.apis").joinpath("descriptions").iterdir(), key=lambda each: each.name)
TEXTS = {each.name.removesuffix(".toml"): each.read_text(encoding="utf-8") for each in _FILES if "toml" in each.name}
NAMES = sorted(TEXTS)
DATA = {name: tomllib.loads(text) for name, text in TEXTS.items()}
DESCRIPTIONS = {name: load(text, f"{name}.toml") for name, text in TEXTS.items()}
RESOURCES = [(name, each) for name, description in DESCRIPTIONS.items() for each in description.resources]
BY_DATA = [each for each in RESOURCES if each[0] != "rest" and not DESCRIPTIONS[each[0]].code]
"""What data alone makes; what code completes has tests of its own."""

POINTER = re.compile(r"(/([^~/]|~[01])*)*")  # RFC 6901
POINTERS = {"record", "records", "values", "wrap", "echo", "item", "read_from", "write_to", "id", "next"}
ERRORS = {"message", "code", "field", "request_id"}
FILLED = {"ids", "id", "fields", "by", "value", "field"}


# ---- well formed


def test_the_usual_ones_are_there() -> None:
    expected = {
        "airtable", "github", "hubspot", "jira", "jsonapi", "keycloak", "kinto", "kubernetes", "salesforce", "stripe",
        "zendesk",
    }  # fmt: skip
    assert expected <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_description_is_called_as_its_file(name: str) -> None:
    description = DESCRIPTIONS[name]
    assert description.name == name
    assert TEXTS[name].startswith("# ")
    assert TEXTS[name].partition("\n")[0].endswith(".")
    assert description.notes
    assert all(len(note) < 125 and note.endswith(".") for note in description.notes)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"rest"}))  # a template stands for no API
def test_it_says_what_stands_behind_it(name: str) -> None:
    assert re.fullmatch(r"docs \d{4}-\d{2}", DESCRIPTIONS[name].verified)
    assert "Source" in TEXTS[name]
    assert re.search(r"ROWPATCH_(TOKEN|USERNAME|CLIENT_ID|API_KEY)", TEXTS[name])


@pytest.mark.parametrize("name", NAMES)
def test_every_text_compiles_and_names_what_has_a_value(name: str) -> None:
    description = DESCRIPTIONS[name]
    known = fixed_variables(description) | set(description.variables) | FILLED | {TYPE}
    keys = set().union(*(variables_of(each) for each in description.resources.values()))
    for text in texts(DATA[name]):
        for hole in template(text).holes:
            assert set(hole.transforms) <= set(TRANSFORMS)
            assert hole.name[:1] in {"@", "/"} or hole.name in known | keys, text
            assert not hole.name.startswith("/") or POINTER.fullmatch(hole.name)


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_used_somewhere(name: str) -> None:
    told = TEXTS[name].partition("\nverified")[0]
    for variable in fixed_variables(DESCRIPTIONS[name]) - set(DESCRIPTIONS[name].auth.variables):
        has_default = variable in DESCRIPTIONS[name].variables
        assert has_default or f"--set {variable}=" in told or name == "rest", "say how to set it"
    named = {hole for text in texts(DATA[name]) for hole in names_in(text)}
    assert set(DESCRIPTIONS[name].variables) <= named


@pytest.mark.parametrize(("name", "resource"), RESOURCES)
def test_a_path_begins_with_a_slash_and_names_a_record(name: str, resource: str) -> None:
    found = DESCRIPTIONS[name].resources[resource]
    keys = variables_of(found)
    assert keys
    assert not set(keys) & fixed_variables(DESCRIPTIONS[name])
    parts = [found, found.update, found.read, found.read_many, found.find, found.list]
    assert all(path.startswith("/") for part in parts if (path := getattr(part, "path", "")))
    if found.read_many is not None:
        assert set(keys[:-1]) == set(names_in(found.read_many.path)) & set(keys)
        assert keys[-1] not in names_in(found.read_many.path)


@pytest.mark.parametrize("name", NAMES)
def test_pointers_are_pointers(name: str) -> None:
    for key, value in pointers(DATA[name]):
        assert POINTER.fullmatch(value) or (value.startswith("@") and key in ERRORS | {"next"}), (key, value)


@pytest.mark.parametrize(("name", "resource"), RESOURCES)
def test_a_field_is_described_once(name: str, resource: str) -> None:
    names = list(DESCRIPTIONS[name].resources[resource].fields)
    assert len({steps_of(each) for each in names}) == len(names)


def texts(value: object) -> Iterator[str]:
    """Yield every text that may have places to fill: names of members, too, and neither notes nor defaults."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from () if key in {"notes", "variables"} else texts(each)
            yield key
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def pointers(value: object, above: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for each in value:
            yield from pointers(each, above)
    if not isinstance(value, dict) or above in {"fields of", "query", "headers", "variables"}:
        return
    if above in {"body", "constants"} and any(key.startswith("/") for key in value):
        yield from ((key, key) for key in value)
        return
    for key, each in value.items():
        if isinstance(each, str) and (key in POINTERS or (key in ERRORS and above == "errors")):
            yield key, each
        elif key == "items" and above == "errors":
            yield from (("items", item) for item in each)
        elif key != "body" or above != "read_many":
            yield from pointers(each, key)


# ---- what becomes of a row


@dataclass(frozen=True)
class Row:
    """A row of a sheet, the record as it was read, and the update that the vendor's pages ask for.

    Attributes:
        key: values of the path's variables.
        attributes: columns that set a whole field.
        members: columns that set a member of one.
        shown: the reply to a read for this record alone.
        body: of the update: JSON, or the pairs of a form.
    """

    api: str
    resource: str
    key: tuple[str, ...]
    shown: Mapping[str, Any]
    request: str
    body: Any
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    members: Mapping[str, Mapping[str, JSON | Absent]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


SITE = {"subdomain": "acme", "site": "acme", "server": "https://host.example", "domain": "acme", "realm": "demo"}
CLUSTER = ("example.com", "v1", "shop", "widgets", "blue")
CLUSTER_PATH = "/apis/example.com/v1/namespaces/shop/widgets/blue"
STRICT = "?fieldValidation=Strict&fieldManager=rowpatch"
JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"

ROWS = [
    Row(  # issues/update: labels are a list of names that replaces; a read shows objects
        "github", "issues", ("octo", "hello world", "1347"),
        {"number": 1347, "title": "a", "labels": [{"id": 1, "name": "bug"}, {"id": 2, "name": "old"}], "state": "open"},
        "PATCH /repos/octo/hello%20world/issues/1347",
        {"labels": ["bug", "new"], "state": "closed", "state_reason": "completed"},
        {"state": "closed", "state_reason": "completed"}, {"labels": {"new": True, "old": ABSENT}},
        {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "Content-Type": JSON_TYPE},
    ),
    Row(  # issues/update: a milestone by its number; assignees by login
        "github", "issues", ("octo", "demo", "7"),
        {"number": 7, "milestone": {"id": 99, "number": 3}, "assignees": [{"login": "ann"}]},
        "PATCH /repos/octo/demo/issues/7", {"milestone": None, "assignees": ["bob"]},
        {"milestone": None, "assignees": {"bob": True}},
    ),
    Row(  # pulls/update: the base is the name of a branch
        "github", "pulls", ("octo", "demo", "8"), {"number": 8, "base": {"ref": "main", "sha": "1"}},
        "PATCH /repos/octo/demo/pulls/8", {"base": "next"}, {"base": "next"},
    ),
    Row(  # Update Ticket; Safe Update: the stamp is the updated_at that was read
        "zendesk", "tickets", ("35436",),
        {"ticket": {"id": 35436, "status": "open", "tags": ["a"], "updated_at": "2019-09-12T21:45:16Z",
                    "custom_fields": [{"id": 27642, "value": "745"}, {"id": 27648, "value": "yes"}]}},
        "PUT /api/v2/tickets/35436",
        {"ticket": {
            "status": "solved", "tags": ["a", "vip"], "custom_fields": [{"id": 27642, "value": "746"}],
            "updated_stamp": "2019-09-12T21:45:16Z", "safe_update": True,
        }},
        {"status": "solved"}, {"tags": {"vip": True}, "custom_fields": {"27642": "746"}},
        {"Content-Type": JSON_TYPE},
    ),
    Row(  # a comment is no member of a ticket: no read shows it
        "zendesk", "tickets", ("1",), {"ticket": {"id": 1, "updated_at": "2020-01-01T00:00:00Z"}},
        "PUT /api/v2/tickets/1",
        {"ticket": {
            "comment": {"body": "Thanks", "public": False},
            "updated_stamp": "2020-01-01T00:00:00Z", "safe_update": True,
        }},
        {"comment.body": "Thanks", "comment.public": False},
    ),
    Row(  # Update User
        "zendesk", "users", ("14",), {"user": {"id": 14, "name": "a", "user_fields": {"level": "x", "plan": "y"}}},
        "PUT /api/v2/users/14", {"user": {"name": "b", "user_fields": {"level": "z"}}},
        {"name": "b"}, {"user_fields": {"level": "z"}},
    ),
    Row(  # Update Organization: domain_names overwrites
        "zendesk", "organizations", ("5",), {"organization": {"id": 5, "notes": "", "domain_names": ["a.example"]}},
        "PUT /api/v2/organizations/5",
        {"organization": {"notes": "Something interesting", "domain_names": ["a.example", "b.example"]}},
        {"notes": "Something interesting"}, {"domain_names": {"b.example": True}},
    ),
    Row(  # Edit issue: fields by name; versions and components by name, people by accountId
        "jira", "issues", ("ED-1",),
        {"id": "10002", "key": "ED-1", "fields": {
            "summary": "a", "labels": ["x"], "components": [{"id": "1", "name": "Web"}], "assignee": None,
            "priority": {"id": "3", "name": "Medium"},
        }},
        "PUT /rest/api/3/issue/ED-1?notifyUsers=true&returnIssue=true",
        {"fields": {
            "summary": "b", "labels": ["x", "y"], "components": [{"name": "Web"}, {"name": "API"}],
            "assignee": {"accountId": "5b10"}, "priority": {"name": "High"},
        }},
        {"summary": "b", "assignee": "5b10", "priority": "High"},
        {"labels": {"y": True}, "components": {"API": True}}, {"Content-Type": JSON_TYPE},
    ),
    Row(
        "jira", "issues", ("ED-1",), {"key": "ED-1", "fields": {"summary": "a"}},
        "PUT /rest/api/3/issue/ED-1?notifyUsers=false&returnIssue=true", {"fields": {"summary": "b"}},
        {"summary": "b"}, constants={"notify": "false"},
    ),
    Row(  # Update a contact: cleared by an empty string
        "hubspot", "contacts", ("512",), {"id": "512", "properties": {"firstname": "a", "phone": "1"}},
        "PATCH /crm/objects/2026-03/contacts/512", {"properties": {"firstname": "b", "phone": ""}},
        {"firstname": "b", "phone": None}, headers={"Content-Type": JSON_TYPE},
    ),
    Row(  # by a unique property: idProperty
        "hubspot", "contacts_by_email", ("a+b@x.example",), {"id": "512", "properties": {"firstname": "a"}},
        "PATCH /crm/objects/2026-03/contacts/a%2Bb%40x.example?idProperty=email", {"properties": {"firstname": "b"}},
        {"firstname": "b"},
    ),
    *(
        Row(
            "hubspot", kind, ("9",), {"id": "9", "properties": {"x": "1"}},
            f"PATCH /crm/objects/2026-03/{kind}/9", {"properties": {"x": "2"}}, {"x": "2"},
        )
        for kind in ("companies", "deals", "tickets")
    ),
    Row(  # Update a customer: a form; keys of metadata merge, an empty one is unset
        "stripe", "customers", ("cus_1",),
        {"id": "cus_1", "name": "a", "balance": 0, "metadata": {"batch": "1", "old": "x"}},
        "POST /v1/customers/cus_1",
        [("balance", "500"), ("metadata[batch]", "7"), ("metadata[old]", ""), ("name", "b & c")],
        {"name": "b & c", "balance": 500}, {"metadata": {"batch": "7", "old": ABSENT}}, {"Content-Type": FORM_TYPE},
    ),
    Row(  # an address is sent whole
        "stripe", "customers", ("cus_1",),
        {"id": "cus_1", "address": {"city": "Rome", "country": "IT", "line2": None}},
        "POST /v1/customers/cus_1", [("address[city]", "Oslo"), ("address[country]", "NO"), ("address[line2]", "")],
        members={"address": {"city": "Oslo", "country": "NO"}},
    ),
    *(
        Row(
            "stripe", kind, ("x_1",), {"id": "x_1", "metadata": {}},
            f"POST /v1/{kind}/x_1", [("metadata[order]", "6735")], members={"metadata": {"order": "6735"}},
        )
        for kind in ("payment_intents", "products", "prices", "subscriptions", "invoices")
    ),
    Row(  # Update product: marketing_features is a list of objects with a name
        "stripe", "products", ("prod_1",), {"id": "prod_1", "active": True, "marketing_features": []},
        "POST /v1/products/prod_1",
        [("active", "false"), ("marketing_features[0][name]", "fast"), ("marketing_features[1][name]", "neat")],
        {"active": False, "marketing_features": ["fast", "neat"]},
    ),
    Row(  # Update record: PATCH keeps what is not sent; a table may have a name with blanks
        "airtable", "records", ("appA", "My Table", "recB"), {"id": "recB", "fields": {"Name": "a", "Price": 1}},
        "PATCH /v0/appA/My%20Table/recB", {"fields": {"Name": "b", "Tags": ["x"]}},
        {"Name": "b", "Tags": ["x"]}, headers={"Content-Type": JSON_TYPE},
    ),
    Row(  # sObject Rows
        "salesforce", "sobjects", ("Account", "001D000000INjVeIAL"),
        {"attributes": {"type": "Account"}, "Id": "001D000000INjVeIAL", "BillingCity": "Rome"},
        "PATCH /services/data/v67.0/sobjects/Account/001D000000INjVeIAL", {"BillingCity": "San Francisco"},
        {"BillingCity": "San Francisco"}, headers={"Content-Type": JSON_TYPE},
    ),
    Row(  # merge patch with the version that was read; null removes
        "kubernetes", "custom_resources", CLUSTER,
        {"metadata": {"name": "blue", "resourceVersion": "42", "labels": {"a": "1", "old": "x"}}, "spec": {"size": 1}},
        f"PATCH {CLUSTER_PATH}{STRICT}",
        {"metadata": {"resourceVersion": "42", "labels": {"old": None, "team": "shop"}}, "spec": {"size": 3}},
        members={"spec": {"size": 3}, "metadata.labels": {"team": "shop", "old": ABSENT}},
        headers={"Content-Type": "application/merge-patch+json"},
    ),
    Row(  # JSON Patch: a missing parent is added whole
        "kubernetes", "custom_resources_json_patch", CLUSTER,
        {"metadata": {"name": "blue", "resourceVersion": "42"}, "spec": {"size": 1}},
        f"PATCH {CLUSTER_PATH}{STRICT}",
        [
            {"op": "test", "path": "/metadata/resourceVersion", "value": "42"},
            {"op": "replace", "path": "/spec/size", "value": 3},
            {"op": "add", "path": "/metadata/labels", "value": {"team": "shop"}},
        ],
        members={"spec": {"size": 3}, "metadata.labels": {"team": "shop"}},
        headers={"Content-Type": "application/json-patch+json"},
    ),
    Row(  # merge-patch, and If-Match with the time stamp in quotes
        "kinto", "records", ("blog", "articles", "89881454"),
        {"data": {"id": "89881454", "last_modified": 1434647996969, "title": "a", "meta": {"x": 1}}, "permissions": {}},
        "PATCH /v1/buckets/blog/collections/articles/records/89881454",
        {"data": {"title": None, "meta": {"y": 2}}}, {"title": None}, {"meta": {"y": 2}},
        {"Content-Type": "application/merge-patch+json", "If-Match": '"1434647996969"'},
    ),
    Row(  # JSON-Patch: paths begin with /data
        "kinto", "records_json_patch", ("blog", "articles", "89881454"),
        {"data": {"id": "89881454", "last_modified": 1434647996969, "a": "foo"}, "permissions": {}},
        "PATCH /v1/buckets/blog/collections/articles/records/89881454",
        [{"op": "remove", "path": "/data/a"}, {"op": "add", "path": "/data/b", "value": "x"}],
        {"a": None, "b": "x"},
        headers={"Content-Type": "application/json-patch+json", "If-Match": '"1434647996969"'},
    ),
    Row(  # "To TDD or Not" of the specification
        "jsonapi", "records", ("articles", "1"),
        {"data": {"type": "articles", "id": "1", "attributes": {"title": "a", "text": "b"}}},
        "PATCH /articles/1", {"data": {"type": "articles", "id": "1", "attributes": {"title": "To TDD or Not"}}},
        {"title": "To TDD or Not"},
        headers={"Content-Type": "application/vnd.api+json", "Accept": "application/vnd.api+json"},
    ),
    Row(  # the whole user goes back; attributes are lists
        "keycloak", "users", ("8f0c",),
        {"id": "8f0c", "createdTimestamp": 1, "username": "ann", "firstName": "Ann", "lastName": "Lee", "enabled": True,
         "attributes": {"team": ["a"], "old": ["x"]}, "access": {"manage": True}},
        "PUT /admin/realms/demo/users/8f0c",
        {"username": "ann", "firstName": "Anne", "lastName": "", "enabled": True, "attributes": {"team": ["b", "c"]}},
        {"firstName": "Anne", "lastName": None, "attributes.team": ["b", "c"]}, {"attributes": {"old": ABSENT}},
        {"Content-Type": JSON_TYPE},
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.api}-{row.resource}")
def test_a_row_becomes_the_request_that_the_vendor_documents(row: Row) -> None:
    of = api(row.api, row.constants)
    resource, key = of.resource(row.resource), key_of(row.key)
    wanted = UpdateJob(REF, row.resource, key, dict(row.attributes), {k: dict(v) for k, v in row.members.items()})
    live = resource.state(reply(row.shown), key, fields(wanted))
    assert live is not None
    request = resource.update(wanted, difference(wanted, live, CompareRules(of.schema)), live)
    assert f"{request.method} {request.target}" == row.request
    sent = {**of.headers, "Content-Type": of.content_type, **request.headers}
    assert {name: sent.get(name) for name in row.headers} == row.headers
    assert read_body(request) == row.body


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.api}-{row.resource}")
def test_a_record_that_is_as_the_row_wants_it_needs_no_request(row: Row) -> None:
    of = api(row.api, row.constants)
    resource, key = of.resource(row.resource), key_of(row.key)
    shown = resource.attributes(reply(row.shown), key)
    assert shown is not None
    same = {name: shown[name] for name in row.attributes if name in shown}
    wanted = UpdateJob(REF, row.resource, key, same, {})
    live = resource.state(reply(row.shown), key, fields(wanted))
    assert live is not None
    assert difference(wanted, live, CompareRules(of.schema)).attributes == {}


def test_every_resource_has_an_example() -> None:
    assert {(row.api, row.resource) for row in ROWS} == set(BY_DATA)


def read_body(request: Request) -> object:
    if request.body[:1] in (b"{", b"["):
        return json.loads(request.body)
    return sorted(parse_qsl(request.body.decode(), keep_blank_values=True))


def api(name: str, given: Mapping[str, str] | None = None) -> DescribedApi:
    description = DESCRIPTIONS[name]
    values = constants(description, {**SITE, **(given or {})})
    values["instance_url"] = "https://acme.my.salesforce.com"
    return described(description, values, base_url(description, values))


# ---- reading many at once

NAME = Fields(frozenset({"name"}))

PAGES = [
    (
        "zendesk", "tickets", [("1",), ("2",)], "GET /api/v2/tickets/show_many?ids=1,2", None,
        {"tickets": [{"id": 2, "name": "b"}, {"id": 1, "name": "a"}]},
    ),
    ("zendesk", "users", [("1",)], "GET /api/v2/users/show_many?ids=1", None, {"users": [{"id": 1, "name": "a"}]}),
    (
        "zendesk", "organizations", [("1",)], "GET /api/v2/organizations/show_many?ids=1", None,
        {"organizations": [{"id": 1, "name": "a"}]},
    ),
    (
        "jira", "issues", [("EX-1",), ("EX-2",)], "POST /rest/api/3/issue/bulkfetch",
        {"issueIdsOrKeys": ["EX-1", "EX-2"], "fields": ["name"]},
        {"issueErrors": [], "issues": [{"id": "10005", "key": "EX-1", "fields": {"name": "a"}}]},
    ),
    (
        "hubspot", "deals", [("7",), ("8",)], "POST /crm/objects/2026-03/deals/batch/read",
        {"inputs": [{"id": "7"}, {"id": "8"}], "properties": ["name"], "propertiesWithHistory": []},
        {"status": "COMPLETE", "results": [{"id": "7", "properties": {"name": "a"}}]},
    ),
    (
        "hubspot", "contacts_by_email", [("Ann@x.example",)], "POST /crm/objects/2026-03/contacts/batch/read",
        {"idProperty": "email", "inputs": [{"id": "Ann@x.example"}], "properties": ["email", "name"],
         "propertiesWithHistory": []},
        {"results": [{"id": "7", "properties": {"email": "Ann@x.example", "name": "a"}}]},
    ),
    (
        "airtable", "records", [("app", "T 1", "recA"), ("app", "T 1", "recB")],
        "GET /v0/app/T%201?filterByFormula=OR(RECORD_ID()='recA',RECORD_ID()='recB')&pageSize=100", None,
        {"records": [{"id": "recA", "fields": {"name": "a"}}]},
    ),
    (
        "salesforce", "sobjects", [("Account", "001"), ("Account", "002")],
        "GET /services/data/v67.0/composite/sobjects/Account?ids=001,002&fields=Id,name", None,
        [{"attributes": {}, "Id": "001", "name": "a"}, None],
    ),
    (
        "kinto", "records", [("b", "c", "12"), ("b", "c", "x-y")],
        'GET /v1/buckets/b/collections/c/records?in_id="12","x-y"', None,
        {"data": [{"id": "12", "last_modified": 1, "name": "a"}]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "keys", "sent", "body", "document"), PAGES)
def test_records_are_read_many_at_a_time(
    name: str, kind: str, keys: list[tuple[str, ...]], sent: str, body: object, document: object
) -> None:
    resource = api(name).resource(kind)
    asked = [key_of(each) for each in keys]
    request = resource.read(asked, NAME)
    target = urlsplit(request.target)
    assert f"{request.method} {target.path}{target.query and '?'}{unquote(target.query)}" == sent
    assert (json.loads(request.body) if request.body else None) == body
    found = resource.states(reply(document), asked, NAME)
    assert found is not None
    assert found[asked[0]].attributes == {"name": "a"}
    assert len({resource.group(each) for each in asked}) == 1


def test_whoever_can_read_many_does() -> None:
    can = {each for each in BY_DATA if api(each[0]).resource(each[1]).page > 1}
    alike = {("hubspot", "contacts"), ("hubspot", "companies"), ("hubspot", "tickets")}
    assert can == {(name, kind) for name, kind, *_ in PAGES} | alike


# ---- looking up

FOUND = [
    (
        "zendesk", "users", "email=a@x.example", "/api/v2/users/search?query=email:a@x.example",
        {"users": [{"id": 1, "email": "a@x.example"}, {"id": 2, "email": "ba@x.example"}]}, "1",
    ),
    (
        "zendesk", "organizations", "name=A B", "/api/v2/organizations/search?name=A B",
        {"organizations": [{"id": 1, "name": "A B"}]}, "1",
    ),
    (
        "stripe", "customers", "email=a@x.example", "/v1/customers?email=a@x.example&limit=100",
        {"data": [{"id": "cus_1", "email": "a@x.example"}]}, "cus_1",
    ),
    (
        "stripe", "prices", "lookup_key=gold", "/v1/prices?lookup_keys[]=gold",
        {"data": [{"id": "price_1", "lookup_key": "gold"}]}, "price_1",
    ),
    (
        "keycloak", "users", "username=ann", "/admin/realms/demo/users?username=ann&exact=true",
        [{"id": "8f0c", "username": "ann"}], "8f0c",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "reference", "target", "document", "key"), FOUND)
def test_a_record_is_found_by_another_key(
    name: str, kind: str, reference: str, target: str, document: object, key: str
) -> None:
    resource = api(name).resource(kind)
    assert unquote(resource.find([reference]).target) == target
    matches = resource.matches(reply(document), [reference])
    assert matches is not None
    assert matches.ids == {reference: (key,)}


# ---- what replies mean

REPLIES = [
    ("github", "issues", reply({"message": "You have exceeded a secondary rate limit."}, 403), Meaning.THROTTLED, 60),
    ("github", "issues", reply({"message": "x"}, 403, x_ratelimit_remaining="0"), Meaning.THROTTLED, 0),
    ("github", "issues", reply({"message": "Must have admin rights"}, 403), Meaning.NOT_AUTHORIZED, 0),
    ("github", "issues", reply({"message": "This issue was deleted"}, 410), Meaning.NOT_FOUND, 0),
    ("zendesk", "tickets", reply({"error": "UpdateConflict", "description": "x"}, 409), Meaning.CONFLICT, 0),
    ("zendesk", "users", reply({"error": "RecordInvalid"}, 422), Meaning.VALIDATION, 0),
    ("jira", "issues", reply({}, 429, RateLimit_Reason="x"), Meaning.THROTTLED, 0),
    ("jira", "issues", reply({"errorMessages": []}, 409), Meaning.BUSY, 1),
    ("hubspot", "contacts", reply({"policyName": "DAILY"}, 429), Meaning.STOP, 0),
    ("hubspot", "contacts", reply({"policyName": "TEN_SECONDLY_ROLLING"}, 429), Meaning.THROTTLED, 0),
    ("hubspot", "contacts", reply({}, 477), Meaning.THROTTLED, 60),
    ("hubspot", "contacts", reply({"category": "CONFLICT"}, 409), Meaning.NOT_UNIQUE, 0),
    ("stripe", "customers", reply({"error": {"code": "lock_timeout"}}, 429), Meaning.BUSY, 1),
    ("stripe", "customers", reply({"error": {"code": "rate_limit"}}, 429), Meaning.THROTTLED, 0),
    ("stripe", "customers", reply({"error": {"code": "idempotency_key_in_use"}}, 409), Meaning.BUSY, 2),
    ("stripe", "customers", reply({"id": "cus_1", "deleted": True}), Meaning.NOT_FOUND, 0),
    ("airtable", "records", reply({"error": "NOT_FOUND"}, 404), Meaning.NOT_FOUND, 0),
    ("airtable", "records", reply({"errors": []}, 429), Meaning.THROTTLED, 30),
    ("airtable", "records", reply({"error": "PUBLIC_API_BILLING_LIMIT_EXCEEDED"}, 429), Meaning.STOP, 0),
    (
        "salesforce", "sobjects", reply([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}], 403),
        Meaning.STOP, 0,
    ),
    (
        "salesforce", "sobjects", reply([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "at once"}], 403),
        Meaning.THROTTLED, 30,
    ),
    ("salesforce", "sobjects", reply([{"errorCode": "INVALID_SESSION_ID"}], 401), Meaning.TOKEN_REFUSED, 0),
    ("salesforce", "sobjects", reply([{"errorCode": "UNABLE_TO_LOCK_ROW"}], 400), Meaning.BUSY, 1),
    ("salesforce", "sobjects", reply([{"errorCode": "ENTITY_IS_DELETED"}], 404), Meaning.NOT_FOUND, 0),
    ("salesforce", "sobjects", reply([{"errorCode": "DUPLICATES_DETECTED"}], 400), Meaning.NOT_UNIQUE, 0),
    ("salesforce", "sobjects", Reply(204, {}), Meaning.NO_CONTENT, 0),
    ("kubernetes", "custom_resources", reply({"reason": "Conflict"}, 409), Meaning.CONFLICT, 0),
    (
        "kubernetes", "custom_resources_json_patch", reply({"message": "testing value /metadata failed"}, 422),
        Meaning.CONFLICT, 0,
    ),
    ("kubernetes", "custom_resources_json_patch", reply({"reason": "Invalid"}, 422), Meaning.VALIDATION, 0),
    ("kinto", "records", reply({"errno": 114}, 412), Meaning.CONFLICT, 0),
    ("kinto", "records", reply({"errno": 122}, 409), Meaning.BUSY, 1),
    ("jsonapi", "records", reply({"errors": []}, 409), Meaning.NOT_UNIQUE, 0),
    ("keycloak", "users", reply({"errorMessage": "User exists with same email"}, 409), Meaning.NOT_UNIQUE, 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "answer", "meaning", "seconds"), REPLIES)
def test_a_reply_means_what_the_vendor_says(
    name: str, kind: str, answer: Reply, meaning: Meaning, seconds: float
) -> None:
    resource = api(name).resource(kind)
    folded = Reply(answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.body)
    assert resource.meaning(Request("PATCH", "/x", b"{}", about=kind), folded) is meaning
    assert resource.least_wait(folded) == seconds


def test_a_pause_is_for_whom_it_concerns() -> None:
    def scope(name: str, kind: str, **headers: str) -> str:
        return scope_of(api(name).resource(kind)._replies, reply({}, 429, **headers))

    assert scope("jira", "issues", ratelimit_reason="jira-per-issue-on-write") == "record"
    assert scope("jira", "issues", ratelimit_reason="jira-burst-based") == "credential"
    assert scope("stripe", "customers", stripe_rate_limited_reason="resource-specific") == "record"
    assert scope("airtable", "records") == "{base}"


WRONG = [
    (
        "github", "issues", {"message": "Validation Failed", "errors": [{"field": "milestone", "code": "invalid"}]},
        ("Milestone", "invalid"),
    ),
    (
        "zendesk", "tickets",
        {"error": "RecordInvalid", "details": {"milestone": [{"description": "no", "error": "InvalidValue"}]}},
        ("Milestone", "InvalidValue"),
    ),
    ("jira", "issues", {"errorMessages": [], "errors": {"milestone": "no"}}, ("Milestone", "")),
    (
        "hubspot", "contacts",
        {"message": "bad", "category": "VALIDATION_ERROR", "errors": [{"message": "no", "in": "milestone"}]},
        ("Milestone", ""),
    ),
    (
        "stripe", "customers", {"error": {"message": "no", "code": "parameter_invalid", "param": "milestone"}},
        ("Milestone", "parameter_invalid"),
    ),
    ("airtable", "records", {"error": {"type": "UNKNOWN_FIELD_NAME", "message": "no"}}, ("", "UNKNOWN_FIELD_NAME")),
    (
        "salesforce", "sobjects", [{"errorCode": "INVALID_FIELD", "message": "no", "fields": ["milestone"]}],
        ("Milestone", "INVALID_FIELD"),
    ),
    (
        "kubernetes", "custom_resources",
        {"message": "no", "reason": "Invalid", "details": {"causes": [{"message": "no", "field": "milestone"}]}},
        ("Milestone", ""),
    ),
    (
        "kinto", "records", {"errno": 109, "message": "no", "details": [{"location": "body", "name": "milestone"}]},
        ("Milestone", "109"),
    ),
    (
        "jsonapi", "records",
        {"errors": [{"code": "bad", "detail": "no", "source": {"pointer": "/data/attributes/milestone"}}]},
        ("Milestone", "bad"),
    ),
    ("keycloak", "users", {"errors": [{"field": "milestone", "errorMessage": "no"}]}, ("Milestone", "")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kind", "document", "told"), WRONG)
def test_an_error_is_led_to_its_column(name: str, kind: str, document: object, told: tuple[str, str]) -> None:
    errors = api(name).resource(kind).errors(reply(document, 400), {("milestone",): "Milestone"})
    assert told in [(each.field, each.code) for each in errors]
