"""A draft is a recipe already; what it is not sure of is a comment with the reason."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.recipe.draft import Seen, draft
from jobs.recipe.loading import load

KNOWN = {"id": "id", "amount_cents": "amount_cents", "reference": "reference", "metadata.x": "metadata.x"}


def drafted(header: Sequence[str], *rows: Sequence[str]) -> list[str]:
    text = draft(Seen("a.csv", header, rows), lambda name: KNOWN.get(name, ""))
    load(text, "draft.toml")
    return text.partition("with dots in quotes\n")[2].splitlines()


def columns(*cells: str, name: str = "amount_cents") -> list[str]:
    return drafted(["id", name], *(["x", cell] for cell in cells))[1:]


def test_a_known_column_is_taken_and_an_unknown_one_waits_for_its_field() -> None:
    assert drafted(["id", "metadata.x", "OTHER"], ["1", "a", "b"]) == [
        'id = "id"', '"metadata.x" = "metadata.x"', '# FIELD = "OTHER"',
    ]  # fmt: skip


def test_a_likely_id_is_taken() -> None:
    assert drafted(["ID", "amount_cents"], ["1", ""]) == ['id = "ID"', 'amount_cents = "amount_cents"']


def test_without_an_id_everything_waits() -> None:
    assert drafted(["amount_cents"], ["1"]) == [
        '# None of the columns is certainly the id: write id = "COLUMN" (or reference), then the others.',
        '# amount_cents = "amount_cents"',
    ]


def test_a_reference_will_do() -> None:
    assert drafted(["reference"], ["1"]) == ['reference = "reference"']
    assert 'key = "reference"' in draft(Seen("a.csv", ["reference"], []), lambda name: name)


def test_settings_and_reading_are_said() -> None:
    text = draft(Seen("a.csv", ["id"], [], {"type": "prices"}, {"delimiter": ";", "header_row": 3}), lambda name: name)
    found = load(text, "draft.toml")
    assert (found.type, found.source, found.input.delimiter, found.input.header_row) == ("prices", "a.csv", ";", 3)


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        (("12.5", "3"), ['amount_cents = "amount_cents"']),
        (("", ""), ['amount_cents = "amount_cents"']),
        (("a", "b"), ['amount_cents = "amount_cents"']),
        (
            ("12,50", "1.234,5"),
            [
                "# amount_cents: numbers with a decimal comma, like 1.234,5 (2 of 2 cells)",
                'amount_cents = { column = "amount_cents", decimal = "," }',
            ],
        ),
        (
            ("1,234.50",),
            [
                "# amount_cents: numbers with a decimal point, like 1,234.50 (1 of 1 cells)",
                'amount_cents = { column = "amount_cents", decimal = "." }',
            ],
        ),
        (
            ("1,234",),
            [
                "# x: numbers with a decimal comma, like 1,234 (1 of 1 cells); a decimal point would fit, too",
                '# x = { column = "x", decimal = "," }',
            ],
        ),
        (
            ("12,50", "1,2", "12.50"),
            [
                "# amount_cents: numbers in 2 of 3 cells; not 12.50",
                '# amount_cents = { column = "amount_cents", decimal = "," }',
            ],
        ),
        (
            ("31.01.2026", "01.02.2026"),
            [
                "# amount_cents: dates like 31.01.2026 (2 of 2 cells)",
                'amount_cents = { column = "amount_cents", date = "%d.%m.%Y" }',
            ],
        ),
        (
            ("01/02/2026",),
            [
                "# amount_cents: dates like 01/02/2026 (1 of 1 cells); %m/%d/%Y would fit, too",
                '# amount_cents = { column = "amount_cents", date = "%d/%m/%Y" }',
            ],
        ),
        (
            ("Ja", "Nein", ""),
            [
                "# amount_cents: only Ja and Nein: perhaps true and false",
                '# amount_cents = { column = "amount_cents", map = { Ja = true, Nein = false } }',
            ],
        ),
    ],
)
def test_a_notation_is_told_with_its_evidence(cells: tuple[str, ...], lines: list[str]) -> None:
    assert [line.replace("amount_cents", "x") for line in columns(*cells)] == [
        line.replace("amount_cents", "x") for line in lines
    ]


def test_a_notation_of_an_unknown_field_waits_with_it() -> None:
    assert columns("31.01.2026", name="AB")[1] == '# FIELD = { column = "AB", date = "%d.%m.%Y" }'


@given(
    header=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, unique=True),
    cells=st.lists(st.text(alphabet="0123456789.,-/ JaNein\n\"'", max_size=8), max_size=12),
)
def test_every_draft_is_a_recipe(header: list[str], cells: list[str]) -> None:
    text = draft(Seen("a.csv", header, [cells]), lambda _: "")
    assert load(text, "draft.toml").source == "a.csv"
