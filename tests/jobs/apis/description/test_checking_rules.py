from jobs.apis.description.checking_rules import error_places, error_rules
from jobs.apis.description.model import ErrorPlaces, ErrorRule


def test_places_and_rules_without_fault_have_no_problem() -> None:
    places = ErrorPlaces(items=("/errors", ""), message="/message", request_id="@X-Request-Id")
    assert list(error_places(("errors",), places)) == []
    rules = [ErrorRule(status=(429,), means="slow_down", scope="{base}"), ErrorRule(means="stop")]
    assert list(error_rules(("error_rules",), rules, {"base"})) == []


def test_the_first_of_the_rules_that_cover_one_is_named() -> None:
    rules = [ErrorRule(status=(400,), means="stop"), ErrorRule(means="retry"), ErrorRule(means="stop")]
    (problem,) = error_rules(("error_rules",), rules, ())
    assert problem.is_warning
    assert problem.text.startswith("it never counts: rule 2 takes")
