"""Headers of limits: understood, or only alike."""

from worker.policy.probing.limit_names import in_words, looks_like_limit, understood
from worker.policy.quota import Allowance
from worker.policy.ratelimit import SILENT, Limits, read_limits

WALL = 1_800_000_000.0


def test_a_header_is_understood_if_less_is_read_without_it() -> None:
    headers = {
        "content-type": "application/json",
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "99",
        "x-ratelimit-reset": "60",
        "x-our-quota": "7",
    }
    assert understood(headers, read_limits, WALL) == (
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    )


def test_headers_that_say_the_same_are_all_understood() -> None:
    headers = {
        "x-ratelimit-limit": "100",
        "x-ratelimit-remaining": "99",
        "x-ratelimit-used": "1",
        "x-ratelimit-reset": "60",
    }
    assert understood(headers, read_limits, WALL) == tuple(headers)


def test_without_limits_nothing_is_understood() -> None:
    assert understood({"x-our-quota": "7"}, read_limits, WALL) == ()


def test_names_that_look_like_limits() -> None:
    names = ["x-our-quota", "content-security-policy", "x-rate-limit", "date", "retry-after"]
    assert [looks_like_limit(name) for name in names] == [True, False, True, False, True]


def test_limits_in_words() -> None:
    window = read_limits({"ratelimit-policy": '"a";q=50;w=10'}, WALL)
    assert in_words(window) == "50 in 10 s"
    assert in_words(Limits(allowances=(Allowance("", 4999, 60.0, 5000),))) == "4,999 left of 5,000 for 60 s"
    assert in_words(Limits(allowances=(Allowance("", 3, 60.0),), pause=30.0)) == "3 left for 60 s; a pause of 30 s"
    assert in_words(SILENT) == ""
