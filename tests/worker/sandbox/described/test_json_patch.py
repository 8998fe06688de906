"""JSON Patch, by the examples of RFC 6902, appendix A."""

from typing import Any

import pytest

from worker.sandbox.described.failures import Refusal
from worker.sandbox.described.json_patch import patched


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
        ({"foo": ["a", "b"]}, {"op": "add", "path": "/foo/1", "value": "q"}, {"foo": ["a", "q", "b"]}),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/-", "value": ["b"]}, {"foo": ["a", ["b"]]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["a", "q", "b"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["a", "b"]}),
        ({"baz": "qux"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo"}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2]}, {"op": "copy", "from": "/a/0", "path": "/b"}, {"a": [1, 2], "b": 1}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_an_operation_does_what_it_says(document: Any, operation: Any, result: Any) -> None:
    assert patched(document, [operation]) == result


@pytest.mark.parametrize(
    ("document", "operation", "kind"),
    [
        ({"a": 1}, {"op": "test", "path": "/a", "value": "1"}, "conflict"),
        ({"a": 1}, {"op": "test", "path": "/a", "value": True}, "conflict"),
        ({"a": 1}, {"op": "add", "path": "/b/c", "value": 1}, "validation"),
        ({"a": [1]}, {"op": "add", "path": "/a/7", "value": 1}, "validation"),
        ({"a": 1}, {"op": "remove", "path": "/b"}, "validation"),
        ({"a": 1}, {"op": "add", "path": "/a"}, "bad_request"),
        ({"a": 1}, {"op": "grow", "path": "/a"}, "bad_request"),
        ({"a": 1}, {"op": "remove", "path": "a"}, "bad_request"),
        ({"a": 1}, {"op": "move", "path": "/b"}, "bad_request"),
    ],
)
def test_what_cannot_be_done_changes_nothing(document: Any, operation: Any, kind: str) -> None:
    before = {**document}
    with pytest.raises(Refusal) as refused:
        patched(document, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert refused.value.kind == kind
    assert document == before
