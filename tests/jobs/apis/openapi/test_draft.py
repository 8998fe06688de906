"""A draft is a description that can be used, and says what it does not know."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.apis.description.loading import examine
from jobs.apis.openapi.candidates import candidates
from jobs.apis.openapi.document import parse
from jobs.apis.openapi.draft import draft
from jobs.apis.openapi.refused import DocumentRefused
from jobs.apis.openapi.schemas import Shapes
from tests.jobs.apis.openapi.kit import ID, TEXT, content, data, document, drafted, obj, operation

TICKET = obj(subject=TEXT, priority={"enum": ["low", "high"]}, tags={"type": "array", "items": TEXT})
SHOWN = obj(id=ID, **TICKET["properties"], created_at={"type": "string", "format": "date-time"})
PATH = "/tickets/{id}"


def resource(item: dict[str, Any], path: str = PATH, *methods: str, **more: Any) -> dict[str, Any]:
    """The one resource of a draft, which must be accepted."""
    text = drafted({path: item}, *methods, **more)
    found = examine(text)
    assert found.errors == ()
    assert found.value is not None
    (name,) = found.value.resources
    return dict(tomllib.loads(text)["resources"][name])


def test_a_whole_draft_reads_like_this() -> None:
    paths = {
        PATH: {
            "get": operation(reply=obj(ticket=SHOWN)),
            "put": {
                **operation(obj(ticket=TICKET), obj(ticket=SHOWN)),
                "summary": "Update a\n ticket",
                "responses": {
                    "200": content(obj(ticket=SHOWN)),
                    "422": content(obj(error=obj(message=TEXT, code=TEXT))),
                    "429": {"headers": {"Retry-After": {}, "X-RateLimit-Left": {}}},
                },
            },
        },
        "/tickets/show_many": {
            "get": {
                **operation(reply=obj(tickets={"type": "array", "items": SHOWN})),
                "parameters": [{"name": "ids", "in": "query"}],
            }
        },
    }
    components = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    assert drafted(paths, components=components) == (
        """\
# Drafted by rowpatch apis import from the document of Desk API 2 (OpenAPI 3.0.3).
# Nothing was tried. "unknown" marks what the document does not say.
# Next: rowpatch apis check FILE, then rowpatch probe on one record that may change.

name = "desk"
verified = "drafted from the vendor's document 2; nothing was tried"
base_url = "https://api.example.com"
# unknown: limits (429 is documented), like limits = [{ rate = "100/60s" }]
# replies tell limits in Retry-After, X-RateLimit-Left; limit_headers, if rowpatch does not understand them
errors = { items = ["/error"], message = "/message", code = "/code" }  # as documented for 422
# unknown: settle_s, how long reads lag behind writes; rowpatch probe --field NAME finds out

[auth]
type = "bearer"

# PUT /tickets/{id}: Update a ticket
[resources.tickets]
path = "/tickets/{id}"
record = "/ticket"
# unknown: precondition; rowpatch probe shows what may be a version, in a header or member

[resources.tickets.update]
method = "PUT"
wrap = "/ticket"
send = "record"  # unknown: does PUT keep what is not sent? If so, write "changes"; a probe then shows whether it does
# unknown: how a field is cleared; of members of objects, rowpatch probe --field NAME.MEMBER finds out

# unknown: may many records be read at once in this way? Then remove the # before:
# [resources.tickets.read_many]
# path = "/tickets/show_many"
# query = { ids = "{ids}" }
# records = "/tickets"
# max_ids = 100

[resources.tickets.fields]
subject = { type = "text" }
priority = { type = "text", enum = ["low", "high"] }
tags = { type = "list" }  # unknown: a set, if order means nothing
created_at = { read_only = true }
"""
    )


def test_a_suggestion_without_its_hashes_is_accepted() -> None:
    item = {"patch": operation(TICKET, SHOWN), "get": operation(reply=SHOWN)}
    many = {**operation(reply={"type": "array", "items": SHOWN}), "parameters": [{"name": "ids[]", "in": "query"}]}
    text = drafted({PATH: item, "/tickets": {"get": many}})
    lines = text.splitlines()
    start = lines.index("# [resources.tickets.read_many]")
    end = lines.index("", start)
    freed = [each.removeprefix("# ") for each in lines[start:end]]
    found = examine("\n".join([*lines[:start], *freed, *lines[end:]]))
    assert found.errors == ()
    assert found.value is not None
    assert found.value.resources["tickets"].read_many is not None


READ = operation(reply=SHOWN)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"patch": operation(TICKET, SHOWN), "get": READ}, {"update": {}}),
        ({"patch": operation(TICKET, SHOWN)}, {"read": False, "update": {}}),
        ({"patch": operation(TICKET, SHOWN), "get": operation(reply={"type": "array"})}, {"read": False, "update": {}}),
        ({"patch": operation(TICKET), "get": READ}, {"update": {}}),
        (
            {"patch": operation(TICKET, SHOWN, "application/merge-patch+json"), "get": READ},
            {"update": {"format": "merge_patch"}},
        ),
        (
            {"patch": operation(TICKET, SHOWN, "application/vnd.desk+json"), "get": READ},
            {"update": {"headers": {"Content-Type": "application/vnd.desk+json"}}},
        ),
        ({"patch": operation(TICKET, SHOWN, "*/*"), "get": READ}, {"update": {}}),
        ({"patch": operation(TICKET, obj(ticket=SHOWN)), "get": READ}, {"update": {"echo": "/ticket"}}),
        (
            {"patch": operation(TICKET, obj(other=obj(x=TEXT))), "get": operation(reply=obj(ticket=SHOWN))},
            {"record": "/ticket", "update": {}},
        ),
        ({"put": operation(TICKET, SHOWN)}, {"read": False, "update": {"method": "PUT"}}),
        ({"put": operation(TICKET, SHOWN), "get": READ}, {"update": {"method": "PUT", "send": "record"}}),
        (
            {"post": operation(TICKET, SHOWN, "application/x-www-form-urlencoded"), "get": READ},
            {"update": {"method": "POST", "format": "form"}},
        ),
        (
            {
                "patch": operation(obj(fields=TICKET), obj(id=TEXT, fields=TICKET)),
                "get": operation(reply=obj(id=TEXT, fields=TICKET)),
            },
            {"values": "/fields", "update": {"wrap": "/fields"}},
        ),
    ],
)
def test_where_records_are_and_how_they_are_sent(item: Any, expected: dict[str, Any]) -> None:
    found = resource(item)
    assert {name: each for name, each in found.items() if name not in {"path", "fields"}} == expected


@pytest.mark.parametrize(
    ("description", "send"),
    [
        ("Any parameters not provided will be left unchanged.", None),
        ("Updates it. Only the fields provided in the\n`data` block are updated;\nany others stay.", None),
        ("Unspecified attributes are ignored.", None),
        ("Values you don't set are not modified.", None),
        ("Don't use this for partial updates! Use POST.", "record"),
        ("Only the owner's profile fields can be changed.", "record"),
        ("Replaces everything.", "record"),
        (None, "record"),
    ],
)
def test_a_put_sends_the_whole_record_unless_the_vendor_says_that_changes_are_enough(
    description: str | None, send: str | None
) -> None:
    put = {**operation(TICKET, SHOWN), "description": description}
    assert resource({"put": put, "get": READ})["update"].get("send") == send


def test_json_api_stands_where_it_always_does() -> None:
    body = obj(data=obj(type={"enum": ["issues"]}, id=TEXT, attributes=TICKET))
    item = {"patch": operation(body, body, "application/vnd.api+json"), "get": operation(reply=body)}
    text = drafted({PATH: item})
    assert '[resources.issues]\npath = "/tickets/{id}"\nrecord = "/data"\nvalues = "/attributes"\n' in text
    assert 'subject = { type = "text" }\n' in text
    assert examine(text).errors == ()


@pytest.mark.parametrize("kind", [TEXT, {"enum": ["a b"]}])
def test_json_api_without_a_type_is_called_like_its_path(kind: Any) -> None:
    body = obj(data=obj(type=kind, attributes=TICKET))
    item = {"patch": operation(body, body, "application/vnd.api+json")}
    assert "[resources.tickets]\n" in drafted({PATH: item})


def test_a_json_patch_has_the_fields_that_a_read_shows() -> None:
    patch = operation({"type": "array", "items": {}}, SHOWN, "application/json-patch+json")
    text = drafted({PATH: {"patch": patch, "get": READ}})
    assert "# unknown: which of these an update takes; these are those that a read shows\nsubject = " in text


def test_a_body_that_takes_any_name_has_a_star() -> None:
    properties = {"type": "object", "additionalProperties": TEXT}
    body = obj(properties=properties)
    shown = obj(id=TEXT, properties=properties)
    found = resource({"patch": operation(body, shown), "get": operation(reply=shown)})
    assert (found["values"], found["update"]["wrap"], found["fields"]) == (
        "/properties",
        "/properties",
        {"*": {"type": "text"}},
    )


def test_a_body_without_a_schema_leaves_the_fields_open() -> None:
    text = drafted({PATH: {"patch": operation({}, {}), "get": operation(reply={})}})
    assert "# unknown: fields; the document does not list what an update takes" in text
    assert "# unknown: record, where a reply holds it; the document has no schema" in text
    assert "# unknown: echo, what the reply to an update shows" in text


def test_of_very_many_fields_some_are_listed() -> None:
    body = obj(**{f"field_{number}": TEXT for number in range(400)})
    text = drafted({PATH: {"patch": operation(body)}})
    assert text.count("field_") == 150
    assert "# and 250 more fields in the document: name those that you need" in text


def test_what_only_reads_show_is_a_comment_where_changes_are_sent() -> None:
    assert "# Shown by reads, and not taken by updates: created_at\n" in drafted(
        {PATH: {"patch": operation(TICKET, SHOWN), "get": READ}}
    )


def test_the_variables_of_a_path_are_apart_from_those_of_the_address() -> None:
    servers = [{"url": "https://{org}.example.com"}]
    found = resource({"patch": operation(TICKET)}, "/{org}/{ticket-id}/{ids}/{ticket_id}", servers=servers)
    assert found["path"] == "/{org_}/{ticket_id}/{ids_}/{ticket_id_}"


def test_the_defaults_of_the_address_are_variables() -> None:
    servers = [{"url": "https://{org}.example.com", "variables": {"org": {"default": "acme"}}}]
    assert 'variables = { org = "acme" }\n' in drafted({PATH: {"patch": operation(TICKET)}}, servers=servers)


def test_failures_that_do_not_say_where_leave_it_open() -> None:
    patch = {**operation(TICKET), "responses": {"400": content(TEXT), "404": {}}}
    assert "# unknown: errors, where failures say what is wrong;" in drafted({PATH: {"patch": patch}})


def test_parameters_that_are_needed_are_filled_or_told() -> None:
    parameters = [
        {"name": "v", "in": "query", "required": True, "schema": {"enum": ["2"]}},
        {"name": "who", "in": "query", "required": True},
        {"name": "fields", "in": "query"},
    ]
    item = {"parameters": parameters, "patch": operation(TICKET, SHOWN), "get": READ}
    text = drafted({PATH: item})
    assert 'query = { v = "2" }\n# unknown: the value of the query parameter who, which is required\n' in text
    assert 'If not: read = { query = { fields = "{fields}" } }' in text


def test_headers_that_requests_need_are_filled_or_told() -> None:
    parameters = [
        {"name": "X-Version", "in": "header", "schema": {"default": "2026-01-01"}},
        {"name": "From", "in": "header", "required": True},
        {"name": "Idempotency-Key", "in": "header"},
        {"name": "If-Match", "in": "header"},
    ]
    text = drafted({PATH: {"parameters": parameters, "patch": operation(TICKET)}})
    assert 'headers = { X-Version = "2026-01-01" }\n' in text
    assert "# unknown: the value of the header From, which the document requires: headers = { }\n" in text
    assert 'idempotency_key = "Idempotency-Key"\n' in text
    assert '# precondition = { headers = { If-Match = "{@ETag}" } }' in text
    assert examine(text).errors == ()


def test_what_has_other_ways_names_them() -> None:
    both = {"application/json": {"schema": TICKET}, "application/json-patch+json": {"schema": TICKET}}
    item = {"patch": {"requestBody": {"content": both}}, "put": operation(TICKET)}
    text = drafted({PATH: item})
    assert "# the path also has PUT: --method chooses\n" in text
    assert "# other content types: application/json-patch+json\n" in text


def test_null_is_told_where_it_is_allowed() -> None:
    body = obj(a={"type": "string", "nullable": True}, b=TEXT)
    assert "how a field is cleared; the document allows null for a;" in drafted({PATH: {"patch": operation(body)}})


def test_several_types_stand_in_one_draft() -> None:
    paths = {PATH: {"patch": operation(TICKET)}, "/users/{id}": {"patch": operation(TICKET)}}
    found = examine(drafted(paths)).value
    assert found is not None
    assert list(found.resources) == ["tickets", "users"]


def test_a_swagger_document_without_info_is_drafted() -> None:
    given = {"in": "body", "name": "b", "schema": TICKET}
    swagger = {"swagger": "2.0", "paths": {PATH: {"put": {"parameters": [given], "responses": {}}}}}
    known = Shapes(parse(json.dumps(swagger).encode()))
    text = draft(known, candidates(known))
    assert text.startswith("# Drafted by rowpatch apis import from the document of an API (Swagger 2.0).\n")
    assert 'name = "api"\nverified = "drafted from the vendor\'s document; nothing was tried"\n' in text
    assert examine(text).errors == ()


def test_a_vendors_words_cannot_leave_their_comment() -> None:
    summary = 'x\n[auth]\ntype = "none"\x1b[2J\u202e'
    text = drafted({PATH: {"patch": {**operation(TICKET), "summary": summary}}})
    assert '# PATCH /tickets/{id}: x [auth] type = "none"\\x1b[2J\\u202e\n' in text


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(DocumentRefused, match="half of a character"):
        drafted({PATH: {"patch": operation(obj(**{"\ud800": TEXT}))}})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ODD: list[Any] = [
    *("", "/", "{", "*", "a.b", "~", "\ud800", "\x1b", "{id}", "#", "object", "list"),
    *(None, True, -1, 1e300, [], {}, [None], ["string", "null"]),
    *({"$ref": "#"}, {"$ref": "#/paths"}, {"$ref": "x.yaml"}, {"oneOf": [{"$ref": "#/x"}, TEXT]}, {"allOf": [{}]}),
    *({"type": "object", "additionalProperties": {"type": "integer"}}, {"enum": [None, 1, "a", True]}),
]
WHOLE = data(
    {
        PATH: {
            "parameters": [{"name": "X-Version", "in": "header", "schema": {"enum": ["2"]}}],
            "get": operation(reply=obj(ticket=SHOWN)),
            "put": {**operation(obj(ticket=TICKET), obj(ticket=SHOWN)), "security": [{"a": ["s"]}]},
            "post": operation(TICKET, SHOWN, "application/x-www-form-urlencoded"),
        },
        "/tickets": {"get": {**operation(reply=obj(x=TEXT)), "parameters": [{"name": "ids", "in": "query"}]}},
    },
    components={"securitySchemes": {"a": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t"}}}}},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, one in inside for each in places(one, (*path, key)))]


PLACES = places(WHOLE)[1:]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """The document with some of its values replaced, or renamed."""
    found = json.loads(json.dumps(WHOLE))
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=5)):
        inside: Any = found
        for step in path[:-1]:
            inside = inside.get(step) if isinstance(inside, dict) else None
        odd = draw(st.sampled_from(ODD) | json_values)
        if isinstance(inside, dict) and isinstance(odd, str) and path[-1] in inside and draw(st.booleans()):
            inside[odd] = inside.pop(path[-1])
        elif isinstance(inside, dict):
            inside[path[-1]] = odd
    return found


def must_be_drafted_or_refused(value: Any) -> None:
    """Every draft is accepted, and is the same the second time; a refusal has words."""
    try:
        known = Shapes(parse(json.dumps(value).encode()))
        for methods in ((), ("post",)):
            wanted = candidates(known, methods)
            if wanted:
                text = draft(known, wanted)
                assert text == draft(Shapes(known.document), wanted)
                assert examine(text).errors == ()
    except DocumentRefused:
        return


@given(json_values | damaged())
@settings(max_examples=100)
def test_any_json_is_drafted_or_refused_and_every_draft_is_accepted(value: Any) -> None:
    must_be_drafted_or_refused(value)


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_value_at_any_place_of_a_document_ends_in_a_crash(odd: Any) -> None:
    for path in PLACES:
        found = json.loads(json.dumps(WHOLE))
        inside = found
        for step in path[:-1]:
            inside = inside[step]
        inside[path[-1]] = odd
        must_be_drafted_or_refused(found)


def test_a_draft_is_the_same_every_time() -> None:
    known = document({PATH: {"patch": operation(TICKET)}})
    assert len({draft(Shapes(known), candidates(Shapes(known))) for _ in range(3)}) == 1


def test_what_is_left_out_is_told_at_the_top() -> None:
    known = Shapes(document({"/things/{id}": {"patch": operation(obj(name=TEXT))}}))
    text = draft(known, candidates(known), ("PUT /stations/{id}",))
    assert "that they take: PUT /stations/{id}\n" in text
    assert "Left out" not in draft(known, candidates(known))
