import pytest

from jobs.apis.description.checking_limits import limit_headers, limits, scope
from jobs.apis.description.model import LimitDescription, LimitHeaders


def test_limits_and_their_headers_without_fault_have_no_problem() -> None:
    assert list(limits(("limits",), [LimitDescription(rate="1/1s", per="{base}")], {"base"})) == []
    assert list(limit_headers([LimitHeaders(remaining="X-Left", reset="X-Reset")])) == []


def test_a_limit_is_located_by_its_position() -> None:
    found = limits(("resources", "t", "limits"), [LimitDescription(rate="1/1s"), LimitDescription()], ())
    assert [each.key for each in found] == ["resources.t.limits[1]"]


@pytest.mark.parametrize(("text", "says"), [("{bas}", "did you mean `{base}`?"), ("x", "write one of record, {base}")])
def test_what_a_limit_is_for_is_a_word_or_a_variable(text: str, says: str) -> None:
    assert [each.text for each in scope(("per",), text, ("record",), {"base"})] == [says]
