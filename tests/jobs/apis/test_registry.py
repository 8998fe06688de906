"""The APIs there are, by name."""

import pytest

from jobs.apis import catalogue, registry
from jobs.apis.registry import APIS, DEFAULT, UnknownApi, api_named, build, constants_of, description_of, found_named
from tests.desk_api import desk


@pytest.fixture
def catalogued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "names", lambda: ("desk",))
    monkeypatch.setattr(catalogue, "description", {"desk": desk()}.__getitem__)


@pytest.mark.usefixtures("catalogued")
def test_an_api_is_code_or_described() -> None:
    assert registry.names() == (*APIS, "desk")
    assert api_named("commercelayer") is DEFAULT
    assert found_named("desk") == desk()
    named = api_named("desk")
    assert (description_of(named), constants_of(named)) == (desk(), {"region": "eu"})
    assert (description_of(DEFAULT), constants_of(DEFAULT)) == (None, {})


@pytest.mark.usefixtures("catalogued")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dseks", "'dseks'; did you mean desk?"),
        ("zzzzzz", "'zzzzzz'; there are commercelayer, desk, or the file of a description"),
        ("x" * 99, "there are commercelayer"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(UnknownApi, match=says):
        api_named(name)


def test_a_value_that_is_set_goes_before_the_default_of_the_description() -> None:
    made = build(desk(), {"region": "us"}, "https://acme.desk.example")
    assert (made.name, constants_of(made)) == ("desk", {"region": "us"})
