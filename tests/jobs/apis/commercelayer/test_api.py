"""Commerce Layer as a value: what is known of its hosts."""

import pytest

from jobs.apis.commercelayer.api import COMMERCE_LAYER
from jobs.apis.registry import APIS, DEFAULT


@pytest.mark.parametrize(
    ("origin", "windows"),
    [
        ("https://acme.commercelayer.io", ((100, 60.0), (25, 10.0))),
        ("https://commercelayer.io.evil.example", ()),
        ("http://127.0.0.1:1", ()),
    ],
)
def test_a_limit_and_a_shared_quota_are_assumed_of_its_own_hosts_only(
    origin: str, windows: tuple[tuple[int, float], ...]
) -> None:
    assert COMMERCE_LAYER.windows(origin) == windows
    assert COMMERCE_LAYER.counts_by_address(origin) is bool(windows)


def test_a_type_is_updated_by_its_own_name_unless_it_is_abstract() -> None:
    assert COMMERCE_LAYER.resource("orders").variants == ()
    assert "captures" in COMMERCE_LAYER.resource("transactions").variants
    assert COMMERCE_LAYER.resource("of_no_schema").variants == ()


def test_every_api_is_known_by_its_own_name() -> None:
    assert all(api.name == name for name, api in APIS.items())
    assert DEFAULT in APIS.values()
