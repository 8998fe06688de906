"""A document becomes a draft, a list to choose from, or a refusal that says what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker.operations.imports import imported, write
from worker.settings import ConfigError

BODY = {"content": {"application/json": {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}}}}
UPDATE: dict[str, Any] = {"requestBody": BODY, "responses": {"200": BODY}}


def written(tmp_path: Path, paths: dict[str, Any]) -> Path:
    path = tmp_path / "api.json"
    servers = [{"url": "https://api.example.com"}]
    path.write_text(json.dumps({"openapi": "3.0.0", "servers": servers, "paths": paths}), encoding="utf-8")
    return path


def several(count: int, method: str = "patch") -> dict[str, Any]:
    return {f"/things{number}/{{id}}": {method: UPDATE} for number in range(count)}


def test_a_small_document_is_drafted_whole(tmp_path: Path) -> None:
    found = imported(written(tmp_path, several(2)))
    assert (found.is_draft, found.names, found.problems) == (True, ("things0", "things1"), ())
    assert "[resources.things1]" in found.text


def test_of_a_large_one_there_is_a_list_until_somebody_chooses(tmp_path: Path) -> None:
    path = written(tmp_path, several(20))
    everything = imported(path)
    assert (everything.is_draft, len(everything.names)) == (False, 20)
    assert everything.text.splitlines()[3] == "things3   PATCH  /things3/{id}"
    assert imported(path, names=["things3"]).names == ("things3",)
    assert imported(path, patterns=["/things1*"]).is_draft is False
    assert imported(path, patterns=["/things4/*"]).names == ("things4",)


@pytest.mark.parametrize(
    ("paths", "choice", "said"),
    [
        (several(1), {"names": ["thing0"]}, "did you mean --type things0?"),
        (several(1), {"patterns": ["/x"]}, "no type of records in it is chosen; it has things0"),
        (several(1, "post"), {}, "has a PATCH or PUT with a body in JSON or a form; --method post takes those"),
        (several(1), {"methods": ("post",)}, "has a POST with a body in JSON or a form"),
        ({"/x/{id}": {"$ref": "x.yaml"}}, {}, "which are not opened (x.yaml); put all into one file first: npx "),
        ({}, {}, "it has no `paths`"),
    ],
)
def test_what_cannot_be_drafted_says_what_to_do(
    tmp_path: Path, paths: dict[str, Any], choice: dict[str, Any], said: str
) -> None:
    path = written(tmp_path, paths)
    with pytest.raises(ConfigError) as refused:
        imported(path, **choice)
    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Cannot read .*No such file"):
        imported(tmp_path / "none.json")


def test_a_file_that_is_there_is_replaced_only_by_force(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    write("a", path, force=False)
    with pytest.raises(ConfigError, match="exists already: choose another --write, or replace it with --force"):
        write("b", path, force=False)
    assert path.read_text(encoding="utf-8") == "a"
    write("c", path, force=True)
    assert path.read_text(encoding="utf-8") == "c"
    with pytest.raises(ConfigError, match="Cannot write"):
        write("d", tmp_path / "none" / "my.toml", force=False)
