"""A file of any kind is read into its model, or refused with what is wrong."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from jobs.toml.form import Form
from jobs.toml.loading import Refused, examine
from jobs.toml.problems import Problem


class Pet(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    name: str = Field(min_length=1, description="What it is called.")
    legs: int = Field(4, ge=0, description="How many.")


def _odd(pet: Pet) -> Iterator[Problem]:
    if pet.legs % 2:
        yield Problem(("legs",), "one is missing", is_warning=True)


PLAIN = Form(model=Pet, whole="the pet as a whole")
CHECKED = Form(model=Pet, whole="the pet as a whole", check=_odd)


def test_a_plain_form_knows_keys_and_types_alone() -> None:
    assert examine('name = "Rex"\nlegs = 3\n', PLAIN).value == Pet(name="Rex", legs=3)
    assert [each.said("pet.toml") for each in examine('name = ""\nlgs = 3\n', PLAIN).errors] == [
        "pet.toml:1: name: must not be empty",
        "pet.toml:2: lgs: there is no such key; did you mean `legs`?",
    ]


def test_what_a_form_checks_is_located_and_a_warning_is_no_error() -> None:
    found = examine('name = "Rex"\nlegs = 3\n', CHECKED)
    assert [each.line for each in found.problems] == [2]
    assert found.errors == ()


def test_a_refusal_says_all_of_it() -> None:
    refused = Refused("pet.toml", examine("", PLAIN).errors)
    assert str(refused) == "pet.toml:1: name: it is missing; it takes a text. What it is called."
