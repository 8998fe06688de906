"""What is shown is the same recipe again, with every default to be seen."""

from jobs.recipe.loading import load
from jobs.recipe.showing import shown
from tests.jobs.recipe.test_loading import WHOLE


def test_what_is_shown_is_the_same_recipe() -> None:
    for text in (WHOLE, "", '[columns]\nid = "ID"\n[[lanes]]\nname = "a"\nwhere = { A = ["x"] }\n'):
        recipe = load(text, "r.toml")
        assert load(shown(recipe), "shown.toml") == recipe


def test_columns_have_a_line_each() -> None:
    lines = shown(load(WHOLE, "r.toml")).splitlines()
    assert 'id = "SHOP_ID"' in lines
    assert 'amount_cents = { column = "PREIS", decimal = ",", times = 100 }' in lines
    assert "keep = 30" in lines
