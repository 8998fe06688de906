"""A description that code completes: every key counts, and nothing is missing."""

import pytest

from jobs.apis.catalogue import source
from jobs.apis.description.loading import examine
from jobs.apis.description.showing import shown

TEXT = source("commercelayer")


def said(text: str) -> list[str]:
    return [f"{each.key}: {each.text}" for each in examine(text).problems]


def test_that_of_commerce_layer_has_no_problem_nor_has_it_with_every_default() -> None:
    found = examine(TEXT)
    assert found.problems == ()
    assert found.value is not None
    assert examine(shown(found.value)).value is not None
    assert said(shown(found.value)) == []


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('code = "commercelayer"', 'code = "comercelayer"', 'code: it takes "" or "commercelayer"; did you mean'),
        (
            'resources."*"',
            "resources.skus",
            "resources.skus: its code knows the types of commercelayer: describe",
        ),
        (
            "/api/{type}/{id}",
            "/api/{type}/{key}",
            "resources.*.path: the code of commercelayer knows",
        ),
        ('record = "/data"\nvalues', "omits_empty = true\nvalues", "resources.*.omits_empty: the code of"),
        (
            '{ format = "json_api" }',
            '{ format = "json" }',
            "resources.*.update.format: the code of",
        ),
        ('{ format = "json_api" }', '{ format = "json_api", mask = "m" }', "resources.*.update.mask: the code of"),
    ],
)
def test_what_would_not_count_or_is_missing_is_told(before: str, after: str, says: str) -> None:
    assert any(says in each for each in said(TEXT.replace(before, after)))


def test_what_the_code_needs_is_named() -> None:
    found = said(TEXT.partition('[resources."*".find]')[0])
    assert found == ["resources.*: the code of commercelayer needs `find`: say how it is done"]
