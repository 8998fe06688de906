"""A document is read strictly, and its references lead to places in it or nowhere."""

import json
from typing import Any

import pytest

from jobs.apis.openapi import document as module
from jobs.apis.openapi.document import Document, elsewhere, parse, rows, word
from jobs.apis.openapi.refused import DocumentRefused

START = '{"openapi": "3.1.0", "paths": {"/x": {}}'


@pytest.mark.parametrize(
    ("text", "version", "is_swagger"),
    [
        (START + "}", "3.1.0", False),
        ("\ufeff  " + START + "}", "3.1.0", False),
        ('{"swagger": "2.0", "paths": {"/x": {}}}', "2.0", True),
        ("swagger: 2.0\npaths:\n  /x: {}\n", "2.0", True),  # a number to YAML
        ("openapi: 3.0.3\npaths: {/x: {}}\n", "3.0.3", False),
    ],
)
def test_json_and_yaml_of_three_versions_are_read(text: str, version: str, is_swagger: bool) -> None:
    found = parse(text.encode())
    assert (found.version, found.is_swagger) == (version, is_swagger)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[]", "it is no OpenAPI document: it has neither `openapi` nor `swagger` at its top"),
        (b"", "it is no OpenAPI document"),
        (b'{"swagger": "1.2", "paths": {"/x": {}}}', "it is of version 1.2: versions 2.0, 3.0 and 3.1 can be read"),
        (b'{"openapi": "3.0.0"}', "it has no `paths`"),
        (b'{"openapi": "3.0.0", "paths": {}}', "it has no `paths`"),
        (b'{\n"a": 1, }', "line 2, column 9 is no JSON: "),
        (b'{"a": 1, "a": 2}', 'the name "a" stands twice in one object'),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": ' + b"[" * 100_000, "its objects and lists are nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "an integer in it has thousands of digits"),
        (b"a: 1\nb: \xff", "line 2 is not UTF-8: save the file in that encoding"),
    ],
)
def test_what_is_no_document_is_refused_in_words(content: bytes, said: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        parse(content)
    assert said in str(refused.value)


def test_a_document_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1024 * 1024)
    with pytest.raises(DocumentRefused, match="larger than 1 MB"):
        parse(b" " * (1024 * 1024 + 1))


DATA: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {"/a~b": {"get": 1}},
    "list": [{"x": 1}],
    "a b": {"y": 2},
    "loop": {"$ref": "#/loop"},
    "chain": {"$ref": "#/list/0"},
    "away": {"$ref": "other.yaml#/x"},
}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"x": 1}, {"x": 1}),
        ({"$ref": "#/list/0"}, {"x": 1}),
        ({"$ref": "#/chain"}, {"x": 1}),
        ({"$ref": "#/chain", "x": 2, "z": 3}, {"x": 2, "z": 3}),
        ({"$ref": "#/a%20b"}, {"y": 2}),
        ({"$ref": "#/paths/~1a~0b"}, {"get": 1}),
        ({"$ref": "#/list/1"}, {}),
        ({"$ref": "#/list/x"}, {}),
        ({"$ref": "#/list/-1"}, {}),
        ({"$ref": "#/loop"}, {}),
        ({"$ref": "#/away"}, {}),
        ({"$ref": "https://example.com/x"}, {}),
        ({"$ref": "#/openapi/x"}, {}),
        ({"$ref": 7}, {"$ref": 7}),
        ([], {}),
        (None, {}),
    ],
)
def test_a_reference_leads_to_a_place_in_the_document_or_nowhere(value: Any, result: dict[str, Any]) -> None:
    assert Document(DATA, "3.1.0").resolved(value) == result


def test_a_reference_to_the_document_itself_is_the_document() -> None:
    assert Document(DATA, "3.1.0").resolved({"$ref": "#"}) == DATA


def test_what_has_another_type_is_empty() -> None:
    assert (rows({}), rows([1]), word(1), word("a")) == ((), [1], "", "a")


@pytest.mark.parametrize(
    ("value", "reference"), [({"$ref": "a.yml"}, "a.yml"), ({"$ref": "#/a"}, ""), ({}, ""), (1, "")]
)
def test_a_reference_to_another_file_is_told(value: Any, reference: str) -> None:
    assert elsewhere(value) == reference


def test_json_is_read_as_json_whatever_its_numbers() -> None:
    found = parse((START + ', "x-a": 1e400, "x-b": ' + "9" * 400 + "}").encode())
    assert json.dumps(found.data["x-b"]) == "9" * 400
