import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.rates import rate_of, seconds_of


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100/60s", (100, 60.0)),
        ("5000/1h", (5000, 3600.0)),
        ("10 / 500ms", (10, 0.5)),
        ("3/2m", (3, 120.0)),
        ("1/1d", (1, 86400.0)),
        ("1/0.5s", (1, 0.5)),
    ],
)
def test_a_rate_is_requests_and_seconds(text: str, rate: tuple[int, float]) -> None:
    assert rate_of(text) == rate


@pytest.mark.parametrize(
    "text", ["", "100", "100/", "/60s", "0/60s", "1/0s", "1/60", "1/60 s", "-1/1s", "1/1w", "1.5/1s", "١/1s"]
)
def test_what_is_no_rate_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="100/60s"):
        rate_of(text)


@pytest.mark.parametrize("text", ["", "60", "s", "0s", "60 s", "1e3s", "٣s"])
def test_what_is_no_duration_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="60s"):
        seconds_of(text)


@given(st.integers(1, 999_999_999), st.integers(1, 999_999_999), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_every_rate_that_is_written_so_is_read(requests: int, number: int, unit: str) -> None:
    assert rate_of(f"{requests}/{number}{unit}") == (requests, seconds_of(f"{number}{unit}"))
