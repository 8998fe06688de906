"""What is said of a type: by its name, or by the star."""

import pytest

from jobs.apis.description.loading import load
from jobs.apis.description.types import resource_of

BOTH = load("name = 'x'\n[resources.boats]\npath = '/b/{id}'\n[resources.'*']\npath = '/{type}/{id}'\n", "x.toml")
LISTED = load("name = 'x'\n[resources.boats]\npath = '/b/{id}'\n", "x.toml")


@pytest.mark.parametrize(
    ("name", "path", "where_all_are_listed"),
    [
        ("boats", "/b/{id}", "/b/{id}"),
        ("cars", "/{type}/{id}", ""),
        ("cars.v1", "/{type}/{id}", ""),
        ("*", "", ""),
        ("", "", ""),
        ("..", "", ""),
        ("a/b", "", ""),
        ("a b", "", ""),
        ("é", "", ""),
    ],
)
def test_a_type_has_what_its_name_or_the_star_says(name: str, path: str, where_all_are_listed: str) -> None:
    for api, expected in ((BOTH, path), (LISTED, where_all_are_listed)):
        found = resource_of(api, name)
        assert (found.path if found else "") == expected
