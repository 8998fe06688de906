"""What can be updated is found by path, method and body."""

from typing import Any

import pytest

from jobs.apis.openapi.candidates import bodiless, candidates, chosen, free_name, holes, in_other_files
from jobs.apis.openapi.schemas import Shapes
from tests.jobs.apis.openapi.kit import TEXT, document, found, obj, operation

BODY = obj(name=TEXT)
RECORD = obj(id=TEXT, name=TEXT)
UPDATE = operation(BODY, RECORD)
READ = operation(reply=RECORD)


def methods(paths: dict[str, Any], *given: str) -> list[tuple[str, str]]:
    return [(each.method, each.path) for each in found(paths, *given)]


@pytest.mark.parametrize(
    ("item", "given", "method"),
    [
        ({"patch": UPDATE, "put": UPDATE, "post": UPDATE}, (), "PATCH"),
        ({"put": UPDATE, "post": UPDATE}, (), "PUT"),
        ({"patch": UPDATE, "put": UPDATE}, ("put",), "PUT"),
        ({"patch": UPDATE, "post": UPDATE}, ("post",), "POST"),
        ({"post": UPDATE, "get": READ}, (), "POST"),
        ({"post": UPDATE}, (), None),  # nothing shows what it changes
        ({"post": UPDATE}, ("post",), "POST"),
        ({"post": operation({**BODY, "required": ["name"]}), "get": READ}, (), None),
        ({"post": {**UPDATE, "summary": "Create a thing"}, "get": READ}, (), None),
        ({"post": {**UPDATE, "operationId": "addThing"}, "get": READ}, (), None),
        ({"post": UPDATE, "get": operation(reply={"type": "array", "items": RECORD})}, (), None),
        ({"patch": operation()}, (), None),
        ({"patch": operation({"type": "array", "items": TEXT})}, (), None),
        ({"patch": operation(TEXT)}, (), None),
        ({"patch": operation({})}, (), "PATCH"),
        ({"patch": operation({"type": "array"}, media="application/json-patch+json")}, (), "PATCH"),
        ({"patch": operation(BODY, media="multipart/form-data")}, (), None),
        ({"get": READ, "delete": operation()}, (), None),
        ({"patch": 5}, (), None),
    ],
)
def test_the_method_that_updates(item: Any, given: tuple[str, ...], method: str | None) -> None:
    assert methods({"/things/{id}": item}, *given) == ([] if method is None else [(method, "/things/{id}")])


def test_a_post_to_a_list_is_no_update() -> None:
    assert methods({"/things/{id}/parts": {"post": UPDATE, "get": READ}}) == []


@pytest.mark.parametrize(
    ("path", "is_taken"),
    [
        ("/things/{id}", True),
        ("/things/{id}.json", True),
        ("/things('{id}')", True),
        ("/things", False),
        ("things/{id}", False),
        ("/things/{id}#x", False),
        ("/things/{id", False),
        ("/things/{id}/ä", False),
        ("/a b/{id}", False),
        ("/things/{a{b}}", False),
    ],
)
def test_only_a_path_with_a_key_is_one_of_a_record(path: str, is_taken: bool) -> None:
    assert bool(methods({path: {"patch": UPDATE}})) is is_taken


def test_a_path_may_be_a_reference() -> None:
    assert methods({"/a/{id}": {"$ref": "#/x-items/a"}}) == []
    taken = found({"/a/{id}": {"$ref": "#/components/pathItems/a"}}, components={"pathItems": {"a": {"put": UPDATE}}})
    assert [each.path for each in taken] == ["/a/{id}"]


def test_names_are_as_long_as_it_takes() -> None:
    paths = [
        "/api/v2/tickets/{id}.json",
        "/orgs/{org}/hooks/{hook}",
        "/repos/{owner}/{repo}/hooks/{hook}",
        "/items/{collection}",
        "/items/{collection}/{id}",
        "/repos/{owner}/{repo}",
        "/{id}",
        "/a-b.c/de+f/{id}",
    ]
    names = [each.name for each in found({each: {"patch": UPDATE} for each in paths})]
    assert names == ["tickets", "orgs_hooks", "repos_hooks", "items", "items_2", "repos", "records", "de_f"]


def test_a_free_name_is_free() -> None:
    taken: set[str] = set()
    assert [free_name(each, taken) for each in ("a", "a", "a_2", "a")] == ["a", "a_2", "a_2_2", "a_3"]


THREE = found({each: {"patch": UPDATE} for each in ("/a/{id}", "/a/{id}/b/{b}", "/c/{x}")})


@pytest.mark.parametrize(
    ("names", "patterns", "paths"),
    [
        ((), (), ["/a/{id}", "/a/{id}/b/{b}", "/c/{x}"]),
        (("C",), (), ["/c/{x}"]),
        ((), ("/a/*",), ["/a/{id}", "/a/{id}/b/{b}"]),
        ((), ("/a/{id}",), ["/a/{id}"]),
        (("a",), ("/c/*",), ["/a/{id}", "/c/{x}"]),
        (("x",), ("/y",), []),
    ],
)
def test_candidates_are_chosen_by_name_or_path(
    names: tuple[str, ...], patterns: tuple[str, ...], paths: list[str]
) -> None:
    assert [each.path for each in chosen(THREE, names, patterns)] == paths


def test_a_summary_is_the_vendors_own() -> None:
    named = [{**UPDATE, "summary": "Change it"}, {**UPDATE, "operationId": "change"}, UPDATE]
    paths = {f"/x{number}/{{id}}": {"put": each} for number, each in enumerate(named)}
    assert [each.summary for each in found(paths)] == ["Change it", "change", ""]


@pytest.mark.parametrize(
    ("paths", "reference"),
    [
        ({"/a/{id}": {"$ref": "a.yaml"}}, "a.yaml"),
        ({"/a/{id}": {"patch": {"$ref": "b.yaml"}}}, "b.yaml"),
        ({"/a/{id}": {"patch": UPDATE}}, ""),
    ],
)
def test_operations_in_other_files_are_told(paths: Any, reference: str) -> None:
    assert in_other_files(document(paths)) == reference


def test_the_holes_of_a_path_keep_their_names() -> None:
    assert holes("/{a}/b/{c-d}.json") == ("a", "c-d")


def test_updates_without_a_body_in_the_document_are_told() -> None:
    paths = {"/a/{id}": {"put": UPDATE}, "/b/{id}": {"put": {}, "patch": {}, "get": {}}, "/c": {"put": {}}}
    shapes = Shapes(document(paths))
    assert bodiless(shapes, candidates(shapes)) == ("PATCH /b/{id}", "PUT /b/{id}")
