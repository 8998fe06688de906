import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.checking_texts import Scope, headers, member, pointer, template, values


@given(st.lists(st.text(max_size=5), max_size=4))
def test_every_json_pointer_is_one(names: list[str]) -> None:
    text = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
    assert list(pointer((), text)) == []


@pytest.mark.parametrize("text", ["a", "/~", "/~2", "a/b", "@X"])
def test_what_is_no_pointer_is_refused(text: str) -> None:
    assert len(list(pointer((), text))) == 1


@pytest.mark.parametrize(("text", "count"), [("", 1), ("/", 0), ("/a", 0), ("a", 1)])
def test_a_member_is_not_the_whole(text: str, count: int) -> None:
    assert len(list(member((), text))) == count


def test_a_scope_fills_what_it_is_told_to() -> None:
    scope = Scope(keys=frozenset({"id"}))
    assert list(template((), "{id}", scope)) == []
    assert len(list(template((), "{fields}{@A}", scope))) == 2
    assert list(template((), "{fields}{@A}{/b}", scope.filling("fields").with_record())) == []


def test_texts_are_checked_however_deep_they_stand() -> None:
    found = values(("a",), {"b": ["{x", 1, {"c": "{id}"}]}, Scope(keys=frozenset({"id"})))
    assert [each.key for each in found] == ["a.b[0]"]


@given(
    st.dictionaries(st.text("ab-", min_size=1, max_size=3), st.text(st.characters(min_codepoint=33, max_codepoint=90)))
)
def test_plain_headers_have_no_problem_but_names_in_two_spellings(table: dict[str, str]) -> None:
    assert list(headers((), table, Scope())) == []


@pytest.mark.parametrize(
    ("text", "count"), [("{{id}}='{id}'", 0), ("{{id}", 1), ("{id}}", 1), ("}{id}{", 1), ("a{b", 1)]
)
def test_braces_that_stay_are_pairs(text: str, count: int) -> None:
    assert len(list(template((), text, Scope(keys=frozenset({"id"}))))) == count
