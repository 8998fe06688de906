"""Headers that a request may have: none of them ends early, begins another, or says where the request goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.header_values import identifier, unsendable


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"If-Match": 'W/"abc"', "Idempotency-Key": "7f0c-1"},
        {"Content-Type": "application/merge-patch+json; charset=utf-8"},
        {"If-Match": ""},
        {"If-Match": '"tab\there"'},
        {"If-Match": '"é"'},
    ],
)
def test_a_header_of_visible_characters_is_sent(headers: dict[str, str]) -> None:
    assert unsendable(headers) == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("If-Match", "a\r\nX-Admin: 1", "no header holds line ends"),
        ("If-Match", "a\nb", "no header holds line ends"),
        ("If-Match", "a\rb", "no header holds line ends"),
        ("If-Match", "a\x00b", "no header holds line ends"),
        ("If-Match", "a\x7f", "no header holds line ends"),
        ("If-Match", "a\x85b", "no header holds line ends"),  # a line end elsewhere than in HTTP
        ("If-Match", "a\u2028b", "no header holds line ends"),
        ("If-Match", "日", "no header holds line ends"),
        ("If-Match", "\udcff", "no header holds line ends"),  # half a surrogate pair: a byte that is not UTF-8
        ("X y", "1", "'X y' is no name of a header"),
        ("", "1", "'' is no name of a header"),
        ("X:", "1", "is no name of a header"),
        ("X\r\nY", "1", "is no name of a header"),
        ("Straße", "1", r"'Stra\xdfe' is no name of a header"),
        ("Host", "evil.example", "Host cannot be set: it belongs to the connection"),
        ("content-LENGTH", "0", "content-LENGTH cannot be set"),
        ("Transfer-Encoding", "chunked", "cannot be set"),
        ("Proxy-Authorization", "Basic x", "cannot be set"),
    ],
)
def test_a_header_that_would_break_the_request_is_refused(name: str, value: str, says: str) -> None:
    assert says in unsendable({"Accept": "x", name: value})


@given(st.text(), st.text())
def test_what_is_sent_is_one_line_that_latin_1_holds_and_a_refusal_quotes_no_value(name: str, value: str) -> None:
    why = unsendable({name: value})
    if why:
        assert len(value) < 20 or value not in why
        assert why.isascii()
    else:
        assert len(f"{name}: {value}".splitlines()) == 1
        assert name.isascii()
        value.encode("latin-1")


@pytest.mark.parametrize(
    ("value", "kept"), [("r-1 / x", "r-1 / x"), ("x" * 300, "x" * 200), ("a\tb", ""), ("é", ""), ("", "")]
)
def test_only_printable_ascii_identifies_a_request(value: str, kept: str) -> None:
    assert identifier(value) == kept
