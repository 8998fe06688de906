"""A recipe names its sheet, its API and its credentials from its own folder; the environment goes before it."""

import re
from pathlib import Path

import pytest

from jobs.recipe.model import CredentialsRecipe
from worker.operations import recipes
from worker.settings import ConfigError


def recipe(folder: Path, text: str) -> recipes.Chosen:
    path = folder / "prices.toml"
    path.write_text(text)
    return recipes.chosen(path)


def test_a_job_has_the_name_of_its_file_unless_it_says_another(tmp_path: Path) -> None:
    assert recipe(tmp_path, "").name == "prices"
    assert recipe(tmp_path, 'name = "x"').name == "x"


@pytest.mark.parametrize(
    ("said", "api"),
    [("", ""), ("github", "github"), ("apis/crm.toml", "{}/apis/crm.toml"), ("crm.toml", "{}/crm.toml")],
)
def test_an_api_is_a_name_or_a_file_beside_the_recipe(tmp_path: Path, said: str, api: str) -> None:
    assert recipe(tmp_path, f'api = "{said}"').api == api.format(tmp_path.resolve())


def test_a_recipe_that_is_wrong_is_refused_with_its_lines(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"prices.toml:1: soruce: there is no such key; did you mean `source`\?"):
        recipe(tmp_path, 'soruce = "x"')


def test_the_sheet_is_that_of_the_recipes_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n")
    assert recipes.source_of(recipe(tmp_path, 'source = "*.csv"'), 0) == tmp_path.resolve() / "a.csv"
    with pytest.raises(ConfigError, match="names no `source`"):
        recipes.source_of(recipe(tmp_path, ""), 0)


def test_credentials_are_files_and_variables_unless_the_environment_has_some(tmp_path: Path) -> None:
    said = CredentialsRecipe(client_id_file="id", client_secret_env="SECRET")
    assert recipes.environment(said, tmp_path, {"SECRET": "s"}) == {
        "SECRET": "s",
        "ROWPATCH_CLIENT_ID_FILE": str(tmp_path / "id"),
        "ROWPATCH_CLIENT_SECRET": "s",
    }
    own = {"ROWPATCH_TOKEN": "t"}
    assert recipes.environment(said, tmp_path, own) == own
    assert "that of ROWPATCH_TOKEN, not that of the recipe" in recipes.overruled(said, own)
    assert "that of ROWPATCH_TOKEN_FILE, not" in recipes.overruled(said, {"ROWPATCH_TOKEN_FILE": "t"})
    assert not recipes.overruled(said, {"SECRET": "s"})
    assert not recipes.overruled(CredentialsRecipe(), own)
    with pytest.raises(ConfigError, match="SECRET is not set: the recipe says that it holds the client secret"):
        recipes.environment(said, tmp_path, {})


def test_a_run_keeps_its_recipe_and_finds_its_credentials(tmp_path: Path) -> None:
    job = recipe(tmp_path, '[credentials]\ntoken_file = "token"\n')
    run = tmp_path / "run"
    run.mkdir()
    facts = recipes.keep(run, job)
    assert (run / "recipe.toml").read_text() == job.text
    found = recipes.environment_of_run(run, facts, {})
    assert found == {"ROWPATCH_TOKEN_FILE": str(tmp_path.resolve() / "token")}
    assert recipes.environment_of_run(run, {}, {"A": "b"}) == {"A": "b"}
    undo = tmp_path / "undo"
    undo.mkdir()
    assert recipes.keep_again(undo, run, {}) == {}
    assert recipes.environment_of_run(undo, recipes.keep_again(undo, run, facts), {}) == found
    (run / "recipe.toml").write_text("")
    with pytest.raises(ConfigError, match="has changed since the run began"):
        recipes.environment_of_run(run, facts, {})
    (run / "recipe.toml").unlink()
    with pytest.raises(ConfigError, match="the recipe of the run"):
        recipes.environment_of_run(run, facts, {})


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ("orders prices skus", "skus prices orders"),
        ("prices orders", "prices orders"),
        ("broken lost orders", "broken lost orders"),
        ("stock skus broken", "skus stock broken"),
        ("other stock skus", "other skus stock"),
        ("elsewhere/prices skus", "elsewhere/prices skus"),  # whose `skus` is another
        ("prices skus prices", "skus prices"),
    ],
)
def test_jobs_are_done_behind_those_they_come_after_and_else_as_they_were_given(
    tmp_path: Path, given: str, ordered: str
) -> None:
    said = {
        "skus": "", "prices": 'after = ["skus"]', "orders": 'after = ["prices", "skus", "nobody"]', "other": "",
        "stock": 'after = ["articles"]', "broken": "name = ", "elsewhere/prices": 'after = ["skus"]',
    }  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    for name, text in said.items():
        (tmp_path / f"{name}.toml").write_text(text)
    (tmp_path / "skus.toml").write_text('name = "articles"')

    def paths(names: str) -> list[Path]:
        return [tmp_path / f"{name}.toml" for name in names.split()]

    assert recipes.in_order(paths(given)) == paths(ordered)


@pytest.mark.parametrize(("after", "said"), [("a", "a.toml waits for {}/a.toml"), ("b", "a.toml waits for {}/b.toml")])
def test_jobs_that_wait_for_each_other_are_refused_in_words(tmp_path: Path, after: str, said: str) -> None:
    for name, waits in {"z": "a", "a": after, "b": "a"}.items():
        (tmp_path / f"{name}.toml").write_text(f'after = ["{waits}"]')
    with pytest.raises(ConfigError, match=re.escape(said.format(tmp_path))):
        recipes.in_order([tmp_path / f"{name}.toml" for name in "zab"])
