"""Types that a description does not list are those of the seed."""

import json
from pathlib import Path

import pytest

from jobs.apis.description.loading import load
from worker.sandbox.described.types import with_types

TEXT = """
name = "uniform"
[resources.boats]
path = "/fleet/{id}"
[resources."*"]
path = "/{type}/{id}"
update = { constants = { "/kind" = "{type:upper}", "/tags" = ["{type}", 1] } }
"""
UNIFORM = load(TEXT, "uniform.toml")


@pytest.mark.parametrize(
    ("seed", "names"),
    [
        ((), {"boats", "records"}),
        (("cars=2", "boats=1"), {"boats", "cars"}),
        (("../cars=2",), {"boats", "records"}),  # no name of a type
        (("nowhere.json",), {"boats", "records"}),
    ],
)
def test_a_type_is_there_if_it_is_listed_or_seeded(seed: tuple[str, ...], names: set[str]) -> None:
    assert set(with_types(UNIFORM, seed).resources) == names


def test_a_file_names_types_too(tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text(json.dumps({"cars": [{"id": "a"}]}))
    (tmp_path / "odd.json").write_text("[]")
    assert set(with_types(UNIFORM, (str(tmp_path / "seed.json"), str(tmp_path / "odd.json"))).resources) == {
        "boats",
        "cars",
    }


def test_the_name_of_the_type_stands_in_its_texts() -> None:
    cars = with_types(UNIFORM, ("cars=1",)).resources["cars"]
    assert (cars.path, cars.update.constants) == ("/cars/{id}", {"/kind": "CARS", "/tags": ("cars", 1)})


def test_a_description_that_lists_all_its_types_has_no_others() -> None:
    listed = load(TEXT.replace('"*"', "cars"), "listed.toml")
    assert set(with_types(listed, ("planes=1",)).resources) == {"boats", "cars"}
