import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.documents import document_of
from jobs.model import Reply


def understood(body: bytes) -> object:
    return document_of(Reply(200, {"content-type": "application/vnd.api+json"}, body))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), VALUES))
def test_any_document_is_understood_as_the_standard_parser_does(document: dict[str, object]) -> None:
    body = json.dumps(document).encode()
    assert understood(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),  # a byte order mark
        ('{"a":"\N{EURO SIGN}"}'.encode("utf-16"), {"a": "\N{EURO SIGN}"}),
        (rb'{"a":"\ud83d"}', {"a": "\ud83d"}),  # half a surrogate pair, as an escape
        (b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", json.loads(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}")),
        (b'{"a":1,"a":2}', {"a": 2}),  # the last of two
        (b'{"a":9007199254740993}', {"a": 9007199254740993}),  # exact, beyond what a double holds
        (b'{"a":1} and more', None),
        (b'{"a":"\x01"}', None),  # a bare control character
        (b'{"a":"\xff"}', None),  # no UTF-8
        (b'{"a":01}', None),
        (b'{"a":' + b"[" * 100_000, None),
        (b"", None),
    ],
)
def test_what_only_the_standard_parser_takes_is_understood_and_nothing_else(body: bytes, value: object) -> None:
    assert understood(body) == value
