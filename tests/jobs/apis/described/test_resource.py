import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from jobs.apis.api import Confirmation, Matches
from jobs.apis.described.resource import DescribedResource
from jobs.apis.described.schema import schema_of
from jobs.apis.description import keys
from jobs.apis.description.templates import Unfilled
from jobs.changes.diff import Change, CompareRules, difference, fields
from jobs.model import ABSENT, Edit, Fields, Live, Reply
from tests.jobs.apis.described.kit import SCHEMA, description, job, reply, resource

NAME = Fields(frozenset({"name"}))


def query(target: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(target).query, keep_blank_values=True)


# ---- reading


def test_a_record_is_read_by_its_path() -> None:
    of = resource(path="/repos/{owner}/{repo}/things/{number}")
    request = of.read_one("octo/a%2Fb/7", NAME)
    assert (request.method, request.target, request.is_read) == ("GET", "/repos/octo/a%2Fb/things/7", True)


def test_what_a_read_needs_is_asked_for() -> None:
    of = resource(
        {"headers": {"X-Version": "{v}"}},
        {"v": "3"},
        read={"path": "/t/{id}?x=1", "query": {"fields": "{fields}", "expand": "all"}, "headers": {"A": "b"}},
        headers={"C": "{id}"},
    )
    wanted = Fields(frozenset({"name", "address.city", "address.zip"}))
    assert of.read_one("7", wanted).target == "/t/7?x=1&fields=address,name&expand=all"
    assert of.read_one("7", None).target == "/t/7?x=1&expand=all"
    assert of.read_one("7", wanted).headers == {"C": "7", "A": "b"}


@pytest.mark.parametrize(
    ("described", "document", "shown"),
    [
        ({}, {"id": 7, "name": "a"}, {"name": "a", "x": None}),
        ({"record": "/thing"}, {"thing": {"id": 7, "name": "a"}}, {"name": "a", "x": None}),
        ({"values": "/properties"}, {"id": "7", "properties": {"name": "a"}}, {"name": "a", "x": None}),
        ({}, {"name": "a"}, {"name": "a", "x": None}),
        ({"fields": {"x": {"write_only": True}}}, {"name": "a"}, {"name": "a"}),
        ({"omits_empty": True}, {"name": "", "x": False}, {"name": None, "x": None}),
        ({"omits_empty": True}, {"name": 0, "x": []}, {"name": None, "x": None}),
        ({}, {"name": "", "x": False}, {"name": "", "x": False}),
        ({"fields": {"x": {"read_from": "/deep/x"}}}, {"name": "a", "deep": {"x": 1}}, {"name": "a", "x": 1}),
    ],
)
def test_a_record_shows_its_fields(described: dict[str, Any], document: object, shown: object) -> None:
    live = resource(**described).state(reply(document), "7", Fields(frozenset({"name", "x"})))
    assert live == Live("things", shown, fields=Fields(frozenset({"name", "x"})))  # type: ignore[arg-type]  # a table


@pytest.mark.parametrize(("holder", "shown"), [({}, True), (None, True), ("text", False), (7, False), ([], False)])
def test_nothing_is_shown_within_a_value_that_holds_nothing(holder: object, shown: bool) -> None:
    asked = Fields(frozenset({"x.y"}))
    live = resource().state(reply({"id": 7, "x": holder}), "7", asked)
    assert live is not None
    assert live.attributes == ({"x.y": None} if shown else {})  # so that a row cannot lay an object over it


@pytest.mark.parametrize(
    "answer",
    [
        reply({"id": 8, "name": "a"}),
        reply([]),
        reply({"id": 7}, status=404),
        Reply(200, {"content-type": "text/html"}, b"<html>"),
        Reply(200, {"content-type": "application/json"}, b'{"id": 7', complete=False),
        Reply(200, {"content-type": "application/json"}, b"null"),
    ],
)
def test_anything_else_is_no_record(answer: Reply) -> None:
    assert resource().state(answer, "7", NAME) is None
    assert resource().attributes(answer, "7") is None


def test_a_number_that_no_float_holds_keeps_its_digits() -> None:
    body = b'{"id": 7, "name": 0.1234567890123456789}'
    live = resource().state(Reply(200, {"content-type": "application/json"}, body), "7", NAME)
    assert repr(live.attributes["name"]) == "0.1234567890123456789" if live else False


def test_everything_is_shown_by_dotted_names() -> None:
    of = resource(fields={"tags": {"type": "set"}, "gone": {}})
    document = {"id": 7, "tags": ["a"], "address": {"geo": {"lat": 1}}, "a.b": 2}
    assert of.attributes(reply(document), "7") == {
        "id": 7, "tags": {"a": True}, "address": {"geo": {"lat": 1}}, "address.geo": {"lat": 1},
        "address.geo.lat": 1, "/a.b": 2,
    }  # fmt: skip


# ---- reading many

PAGES = [
    (
        {"path": "/things/show_many.json", "query": {"ids": "{ids}"}, "records": "/things", "max_ids": 100},
        ("GET", "/things/show_many.json?ids=1,2", b""),
        {"things": [{"id": 1, "name": "a"}, {"id": 3, "name": "c"}]},
    ),
    (
        {"path": "/things", "query": {"iids[]": ["{ids}"], "fields": "{fields}"}},
        ("GET", "/things?iids[]=1&iids[]=2&fields=name", b""),
        [{"id": 1, "name": "a"}],
    ),
    (
        {
            "method": "POST", "path": "/batch/read", "records": "/results",
            "body": {"inputs": [{"id": "{ids}"}], "properties": ["{fields}"], "idProperty": "id", "n": [1, "all"]},
        },
        (
            "POST", "/batch/read",
            b'{"inputs":[{"id":"1"},{"id":"2"}],"properties":["name"],"idProperty":"id","n":[1,"all"]}',
        ),
        {"results": [{"id": "1", "name": "a"}]},
    ),
    (
        {"path": "/t", "query": {"filterByFormula": "OR({ids})"}, "each": "RECORD_ID()='{id}'", "records": "/records"},
        ("GET", "/t?filterByFormula=OR(RECORD_ID()%3D'1',RECORD_ID()%3D'2')", b""),
        {"records": [{"id": "1", "name": "a"}, "odd", {"name": "no id"}]},
    ),
    (
        {"method": "POST", "path": "/t", "body": {"jql": "id in ({ids})", "fields": "{fields}"}},
        ("POST", "/t", b'{"jql":"id in (1,2)","fields":"name"}'),
        [{"id": 1, "name": "a"}],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("many", "sent", "document"), PAGES)
def test_many_records_are_read_at_once(many: dict[str, Any], sent: tuple[str, str, bytes], document: object) -> None:
    of = resource(read_many=many)
    request = of.read(["1", "2"], NAME)
    assert (request.method, request.target, request.body) == sent
    assert request.is_read
    assert ("Content-Type" in request.headers) == (request.method == "POST")
    found = of.states(reply(document), ["1", "2"], NAME)
    assert found == {"1": Live("things", {"name": "a"}, fields=NAME)}
    assert of.page == many.get("max_ids", 25)
    assert not of.may_show_more(reply(document), ["1"])


def test_fields_are_named_wherever_the_description_names_them() -> None:
    of = resource(read_many=PAGES[1][0])
    assert of.read(["1"], NAME, sparse=False) == of.read(["1"], NAME)


@pytest.mark.parametrize("path", ["/t?ids={ids}&all=1", "/t/{ids}"])
def test_ids_may_stand_in_a_path_with_commas_between_them_and_never_leave_their_place(path: str) -> None:
    request = resource(read_many={"path": path}).read(["1", "a/b", "ü&?"], NAME)
    assert request.target == path.replace("{ids}", "1,a%2Fb,%C3%BC%26%3F")


@pytest.mark.parametrize(
    ("many", "target", "body"),
    [
        ({"path": "/t/{ids}", "join": "|"}, "/t/a%2Fb%7C2", b""),
        ({"path": "/t/{ids}", "join": ";"}, "/t/a%2Fb%3B2", b""),
        ({"path": "/t", "query": {"q": "{ids}"}, "each": "id:{id}", "join": " OR "}, "/t?q=id:a/b%20OR%20id:2", b""),
        (
            {"path": "/t", "method": "POST", "body": {"q": "{ids}", "f": "{fields}", "l": ["{ids}"]}, "join": "|"},
            "/t",
            b'{"q":"a/b|2","f":"name","l":["a/b","2"]}',
        ),
    ],
)
def test_ids_in_a_text_are_joined_as_described(many: dict[str, Any], target: str, body: bytes) -> None:
    request = resource(read_many=many).read(["a/b", "2"], NAME)
    assert (request.target, request.body) == (target, body)


def test_a_page_may_say_that_it_shows_a_part() -> None:
    page = reply([{"id": 1, "name": "a"}], 207)
    assert resource(read_many=PAGES[1][0]).states(page, ["1", "2"], NAME) == {
        "1": Live("things", {"name": "a"}, fields=NAME)
    }


@pytest.mark.parametrize("document", [{"things": {}}, {"other": []}, "text"])
def test_a_page_without_its_list_cannot_be_used(document: object) -> None:
    assert resource(read_many=PAGES[0][0]).states(reply(document), ["1"], NAME) is None
    assert resource(read_many=PAGES[0][0]).states(reply(document, 500), ["1"], NAME) is None


def test_records_are_read_together_that_differ_in_the_last_part_of_their_key() -> None:
    of = resource(
        path="/p/{project}/t/{iid}", read_many={"path": "/p/{project}/t", "query": {"iids": "{ids}"}, "id": "/iid"}
    )
    assert (of.group("a/1"), of.group("b%2Fc/1"), resource().group("7")) == ("a", "b%2Fc", "")
    assert of.read(["b%2Fc/1", "b%2Fc/x%2Fy"], NAME).target == "/p/b%2Fc/t?iids=1,x/y"
    found = of.states(reply([{"iid": 1, "name": "a"}]), ["b%2Fc/1", "b%2Fc/2"], NAME)
    assert found is not None
    assert list(found) == ["b%2Fc/1"]


def test_an_id_is_never_taken_for_a_place_to_fill() -> None:
    request = resource(read_many=PAGES[1][0]).read(["{x}", "{fields}"], NAME)
    assert query(request.target) == [("iids[]", "{x}"), ("iids[]", "{fields}"), ("fields", "name")]


def test_a_fixed_member_is_filled_however_deep_it_stands() -> None:
    of = resource(update={"constants": {"/by": {"who": "row {id}", "list": ["{id}", 1]}}})
    assert json.loads(sent(of, {"name": "old"}, {"name": "new"}).body)["by"] == {"who": "row 7", "list": ["7", 1]}


def test_without_a_way_to_read_many_they_are_read_one_by_one() -> None:
    of = resource()
    assert of.page == 1
    assert of.read(["7"], NAME).target == "/things/7"
    assert of.states(reply({"id": 7, "name": "a"}), ["7"], NAME) == {"7": Live("things", {"name": "a"}, fields=NAME)}
    assert of.states(reply({"id": 8}), ["7"], NAME) is None


def test_a_condition_by_header_needs_each_record_by_itself() -> None:
    many = PAGES[0][0]
    assert resource(read_many=many, precondition={"headers": {"If-Match": "{@ETag}"}}).page == 1
    assert resource(read_many=many, precondition={"headers": {"If-Match": "{/version}"}}).page == 100


def test_what_is_sent_as_a_whole_is_asked_for_as_a_whole() -> None:
    many = {"path": "/things", "query": {"ids": "{ids}", "fields": "{fields}"}}
    of = resource(update={"send": "record"}, read={"query": {"fields": "{fields}"}}, read_many=many)
    assert of.read_one("7", NAME).target == "/things/7"
    assert of.read(["7"], NAME).target == "/things?ids=7"


def test_what_a_condition_names_is_asked_for_too() -> None:
    condition = {"body": {"/lock": "{/f/lock/v}", "/safe": True}, "headers": {"X": "{/outside}"}}
    of = resource(values="/f", read={"query": {"fields": "{fields}"}}, precondition=condition)
    assert query(of.read_one("7", NAME).target) == [("fields", "name,lock")]


def test_what_is_sent_as_a_whole_has_to_be_read() -> None:
    assert resource().can_be_blind
    assert not resource(update={"send": "record"}).can_be_blind


def test_some_records_cannot_be_read() -> None:
    assert not resource(read=False).can_be_read
    assert resource(read=False, read_many=PAGES[0][0]).can_be_read
    assert resource().can_be_read


# ---- updates


def sent(of: Any, document: dict[str, Any], attributes: dict[str, Any], **headers: Any) -> Any:
    wanted = job(attributes)
    live = of.state(reply(document, **headers), "7", fields(wanted))
    return of.update(wanted, difference(wanted, live, CompareRules(SCHEMA)), live)


def test_an_update_says_what_its_description_says() -> None:
    of = resource(
        {"headers": {"X": "1"}},
        update={
            "method": "PUT", "path": "/things/{id}/edit", "query": {"notify": "false"}, "headers": {"Y": "{id}"},
            "mask": "updateMask",
        },
    )  # fmt: skip
    request = sent(of, {"name": "old", "n": 1}, {"name": "new", "n": 2})
    assert (request.method, request.target) == ("PUT", "/things/7/edit?notify=false&updateMask=name,n")
    assert request.headers == {"Y": "7"}
    assert json.loads(request.body) == {"name": "new", "n": 2}


def test_a_body_of_another_type_than_the_first_says_so() -> None:
    patched = {"path": "/p/{id}", "update": {"format": "json_patch"}}
    made = description({"resources": {"things": {"path": "/t/{id}"}, "patched": patched}})
    of = DescribedResource("patched", made, made.resources["patched"], {}, "", SCHEMA)
    assert of.update(job({"name": "new"}), CHANGE, None).headers == {"Content-Type": "application/json-patch+json"}
    assert resource().update(job({"name": "new"}), CHANGE, None).headers == {}


def test_an_update_is_conditional_on_what_was_read() -> None:
    of = resource(
        precondition={
            "headers": {"If-Match": "{@ETag}"},
            "query": {"if_seq_no": "{/_seq}", "gone": "{/nothing}"},
            "body": {
                "/stamp": "{/updated_at}",
                "/safe": True,
                "/text": "v{/_seq}",
                "/none": "{/nothing}",
                "/also": "v{/nothing}",
            },
        }
    )
    request = sent(of, {"name": "old", "_seq": 5, "updated_at": 7}, {"name": "new"}, etag='"x"')
    assert request.headers["If-Match"] == '"x"'
    assert query(request.target) == [("if_seq_no", "5")]
    assert json.loads(request.body) == {"stamp": 7, "safe": True, "text": "v5", "name": "new"}


@pytest.mark.parametrize(("more", "is_so"), [({"precondition": {"body": {"/rev": "{/rev}"}}}, True), ({}, False)])
def test_an_update_says_whether_it_is_conditional(more: dict[str, Any], is_so: bool) -> None:
    assert sent(resource(**more), {"name": "old", "rev": 5}, {"name": "new"}).is_conditional == is_so


def test_a_condition_that_was_not_read_is_left_out() -> None:
    of = resource(precondition={"headers": {"If-Match": "{@ETag}"}})
    assert "If-Match" not in sent(of, {"name": "old"}, {"name": "new"}).headers


@pytest.mark.parametrize(
    ("condition", "lacks"),
    [
        ({"headers": {"If-Match": "{@ETag}"}}, ()),
        ({"headers": {"If-Match": "{@Last-Modified}"}}, ("@Last-Modified",)),
        ({"body": {"/rev": "{/rev}", "/safe": True}}, ()),
        ({"body": {"/rev": "{/revision}"}, "query": {"rev": "v{/rev}-{/revision}"}}, ("/revision",)),
        ({"headers": {"If-Match": '"{/none}"'}}, ("/none",)),
        ({"headers": {"If-Match": "{@X-Empty}"}}, ("@X-Empty",)),
    ],
)
def test_a_read_says_what_it_lacks_of_a_condition(condition: dict[str, Any], lacks: tuple[str, ...]) -> None:
    shown = reply({"name": "old", "rev": 5, "none": None}, etag='"x"', x_empty="")
    live = resource(precondition=condition).state(shown, "7", NAME)
    assert live is not None
    assert live.lacks == lacks


def test_an_update_that_names_a_version_cannot_be_blind() -> None:
    assert not resource(precondition={"body": {"/rev": "{/rev}"}}).can_be_blind


@pytest.mark.parametrize(
    ("described", "seconds"),
    [({}, 0), ({"update": {"send": "record"}}, 2), ({"update": {"send": "record"}, "settle_s": 9}, 9),
     ({"update": {"send": "record"}, "precondition": {"headers": {"If-Match": "{@ETag}"}}}, 2),
     ({"precondition": {"headers": {"If-Match": "{@ETag}"}}}, 2)],
)  # fmt: skip
def test_nothing_is_built_on_a_read_that_may_lag(described: dict[str, Any], seconds: float) -> None:
    assert resource(**described).lag_s(NAME) == seconds


def test_nested_members_are_built_on_the_whole_record() -> None:
    assert resource().lag_s(Fields(frozenset({"a.b"}))) == 2
    live = resource().state(reply({"a": {"b": {"c": 1}}}), "7", Fields(frozenset({"a.b"})))
    assert live is not None
    assert live.basis is not None


# ---- what a success confirms

CHANGE = Change({"name": "new"}, edits=(Edit(("attributes", "name"), "old", "new"),))


@pytest.mark.parametrize(
    ("described", "answer", "confirmed"),
    [
        ({}, reply({"id": 7, "name": "new"}), Confirmation(CHANGE.edits)),
        ({"record": "/thing"}, reply({"thing": {"id": 7, "name": "new"}}), Confirmation(CHANGE.edits)),
        (
            {"record": "/thing", "update": {"echo": "/result"}},
            reply({"result": {"name": "new"}}),
            Confirmation(CHANGE.edits),
        ),
        ({}, reply({"id": 7, "name": "old"}), Confirmation(CHANGE.edits, untaken=("name",))),
        ({}, reply({"id": 7}), Confirmation(CHANGE.edits, unseen=("name",))),
        ({}, reply({"ok": True}), Confirmation(CHANGE.edits, unseen=("name",))),
        ({"record": "/thing"}, reply({"ok": True}), Confirmation(CHANGE.edits, unseen=("name",))),
        ({}, reply([1]), Confirmation(CHANGE.edits, unseen=("name",))),
        ({}, Reply(200, {}), Confirmation(CHANGE.edits, unseen=("name",))),
        ({}, reply({"id": 8, "name": "new"}), None),
        ({}, Reply(200, {"content-type": "text/html"}, b"<html>"), None),
    ],
)
def test_a_success_confirms_what_it_shows(
    described: dict[str, Any], answer: Reply, confirmed: Confirmation | None
) -> None:
    assert resource(**described).confirm(answer, job({"name": "new"}), CHANGE) == confirmed


def test_a_stored_form_is_told() -> None:
    found = resource().confirm(reply({"name": "NEW"}), job({"name": "new"}), CHANGE)
    assert found is not None
    assert found.differs == ("name",)
    assert found.edits[0].stored == "NEW"


def test_members_that_are_gone_from_the_reply_and_were_not_sent_are_told() -> None:
    edit = Edit(("attributes", "size", "a"), 1, 2)
    change = Change({"size": {"a": 2, "b": 1}}, edits=(edit,))
    made = description(fields={"size": {"type": "object", "merge": "shallow"}})
    of = DescribedResource("things", made, made.resources["things"], {}, "", schema_of(made, {}))
    found = of.confirm(reply({"id": 7, "size": {"a": 2}}), job(), change)
    assert found is not None
    assert found.lost == (Edit(("attributes", "size", "b"), 1, ABSENT),)
    assert found.edits == (edit,)


# ---- looking up

FIND = {"by": ["sku"], "path": "/p/{project}/things", "query": {"{by}": "{value}"}, "records": "/items"}


def test_a_record_is_found_by_another_key() -> None:
    of = resource(path="/p/{project}/things/{id}", find=FIND)
    reference = "a%2Fb/sku=x=1&y"
    request = of.find([reference])
    assert unquote(request.target) == "/p/a/b/things?sku=x=1&y"
    assert query(request.target) == [("sku", "x=1&y")]
    items = [{"id": 5, "sku": "x=1&y"}, {"id": 6, "sku": "X=1&Y"}, {"id": 7}, {"sku": "x=1&y"}]
    assert of.matches(reply({"items": items}), [reference]) == Matches({reference: ("a%2Fb/5",)}, complete=True)


@pytest.mark.parametrize(
    ("records", "document", "status", "ids"),
    [
        ("/item", {"item": {"id": 5, "sku": "x"}}, 200, ("5",)),
        ("", {"id": 5, "sku": "x"}, 200, ("5",)),
        ("/item", {"item": {"id": 5, "sku": "X"}}, 200, ()),  # no exact match
        ("/item", {"item": None}, 200, ()),
        ("/item", {"message": "no such thing"}, 404, ()),
        ("/items", {"message": "no such thing"}, 404, ()),
    ],
)
def test_a_look_up_may_be_answered_with_the_record_itself(
    records: str, document: Any, status: int, ids: tuple[str, ...]
) -> None:
    of = resource(find={**FIND, "path": "/t", "records": records})
    assert of.matches(reply(document, status), ["sku=x"]) == Matches({"sku=x": ids}, complete=True)


def test_a_404_that_a_rule_gives_another_meaning_or_that_breaks_off_is_no_answer() -> None:
    of = resource(find={**FIND, "path": "/t"}, error_rules=[{"status": [404], "means": "retry"}])
    assert of.matches(reply({}, 404), ["sku=x"]) is None
    plain = resource(find={**FIND, "path": "/t"})
    assert plain.matches(replace(reply({}, 404), complete=False), ["sku=x"]) is None


def test_nothing_is_found_in_what_is_no_list() -> None:
    of = resource(find={**FIND, "path": "/t"})
    assert resource(find={**FIND, "records": ""}).matches(reply({"data": [], "name": "x"}), ["sku=x"]) is None
    assert of.matches(reply({"items": {}}), ["sku=x"]) is None
    assert of.matches(reply({"items": ["odd"]}), ["sku=x"]) is None
    assert of.matches(reply({"items": []}, 500), ["sku=x"]) is None
    assert resource().matches(reply([]), ["sku=x"]) is None
    with pytest.raises(LookupError, match="things"):
        resource().find(["sku=x"])


def test_what_names_a_variable_that_is_not_set_is_left_out() -> None:
    of = resource(
        {"variables": {"team": ""}},
        headers={"Team": "{team}", "A": "b"},
        read={"query": {"team": "{team}", "x": "1"}},
        read_many={"path": "/t", "query": {"ids": "{ids}", "team": ("{team}",)}},
        update={"query": {"team": "{team}", "y": "2"}, "constants": {"/team": ["{team}"], "/z": 3}},
        find={"by": ["sku"], "path": "/t", "query": {"sku": "{value}", "team": "{team}"}},
    )
    assert of.read_one("7", None).target == "/things/7?x=1"
    assert of.read(["7", "8"], NAME).target == "/t?ids=7,8"
    assert of.find([keys.reference_of((), "sku", "A")]).target == "/t?sku=A"
    row = job({"name": "n"})
    sent = of.update(row, Change({"name": "n"}, edits=(Edit(("attributes", "name"), "o", "n"),)), None)
    assert (sent.target, sent.headers, json.loads(sent.body)) == ("/things/7?y=2", {"A": "b"}, {"name": "n", "z": 3})


def test_a_path_without_the_value_of_a_variable_is_an_error() -> None:
    with pytest.raises(Unfilled, match="nothing"):
        resource(update={"path": "/{nothing}/{id}"}).update(job({"name": "new"}), CHANGE, None)


# ---- what a failure finds wrong


@pytest.mark.parametrize(
    ("described", "place", "column"),
    [
        ({}, "/name", "Name"),
        ({"update": {"wrap": "/thing"}}, "/thing/name", "Name"),
        ({"update": {"format": "json_api"}}, "/data/attributes/name", "Name"),
        ({"fields": {"name": {"write_to": "/changes/name/set"}}}, "/changes/name/set", "Name"),
        ({}, "address.city", "city of it"),
        ({}, "address[city]", "city of it"),
    ],
)
def test_an_error_leads_to_a_column(described: dict[str, Any], place: str, column: str) -> None:
    columns = {("name",): "Name", ("address", "city"): "city of it"}
    of = resource({"errors": {"items": ["/errors"], "message": "/m", "field": "/f"}}, **described)
    (error,) = of.errors(reply({"errors": [{"m": "is bad", "f": place}]}, 422), columns)
    assert (error.detail, error.field) == ("is bad", column)


def test_a_resource_may_have_places_of_errors_of_its_own() -> None:
    of = resource({"errors": {"message": "/a"}}, errors={"message": "/b"})
    assert [each.detail for each in of.errors(reply({"a": "one", "b": "two"}, 400), {})] == ["two"]


def test_a_resource_says_what_identifies_a_request() -> None:
    of = resource({"errors": {"request_id": "@X"}}, errors={"request_id": "/id"})
    assert of.request_id(reply({"id": "r 1"}, x="r-2")) == "r 1"
    assert resource({"errors": {"request_id": "@X"}}).request_id(Reply(200, {"x": "r-2"}, b"no JSON")) == "r-2"


def test_a_rule_says_how_long_to_wait_at_least() -> None:
    of = resource({"error_rules": [{"status": [429], "means": "slow_down", "wait_s": 30}]})
    assert [of.least_wait(reply({}, status)) for status in (429, 503)] == [30, 0]


def test_a_reference_tells_the_field_and_the_value_that_are_sought() -> None:
    assert resource().sought("acme/sku=a=b") == ("sku", "a=b")
