"""The APIs there are, by name."""

from typing import get_args

import pytest

from jobs.apis import catalogue, registry
from jobs.apis.commercelayer.api import CommerceLayer
from jobs.apis.description.model import Description
from jobs.apis.registry import (
    CODE,
    DEFAULT,
    UnknownApi,
    api_named,
    build,
    constants_of,
    description_named,
    description_of,
    is_default,
)
from tests.desk_api import desk
from tests.system.e2e.toy_api import HARBOUR


@pytest.fixture
def catalogued(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {DEFAULT: catalogue.description(DEFAULT), "desk": desk()}
    monkeypatch.setattr(catalogue, "names", lambda: ("a", *known))
    monkeypatch.setattr(catalogue, "description", known.__getitem__)


@pytest.mark.usefixtures("catalogued")
def test_an_api_is_described_and_code_completes_it_where_the_description_says_so() -> None:
    assert registry.names() == (DEFAULT, "a", "desk")
    assert description_named("desk") == desk()
    named = api_named("desk")
    assert (description_of(named), constants_of(named)) == (desk(), {"region": "eu"})
    default = api_named(DEFAULT)
    assert isinstance(default, CommerceLayer)
    assert (description_of(default), constants_of(default)) == (catalogue.description(DEFAULT), {})
    assert is_default(catalogue.description(DEFAULT).model_copy())
    assert not is_default(desk())


def test_an_api_that_a_program_brings_along_need_not_be_described() -> None:
    assert (description_of(HARBOUR), constants_of(HARBOUR)) == (None, {})


def test_there_is_code_for_every_value_of_the_key() -> None:
    assert set(CODE) == set(get_args(Description.model_fields["code"].annotation))


@pytest.mark.usefixtures("catalogued")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dseks", "'dseks'; did you mean desk?"),
        ("zzzzzz", "'zzzzzz'; there are commercelayer, a, desk, or the file of a description"),
        ("x" * 99, "there are commercelayer"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, says: str) -> None:
    with pytest.raises(UnknownApi, match=says):
        api_named(name)


def test_a_value_that_is_set_goes_before_the_default_of_the_description() -> None:
    made = build(desk(), {"region": "us"}, "https://acme.desk.example")
    assert (made.name, constants_of(made)) == ("desk", {"region": "us"})
