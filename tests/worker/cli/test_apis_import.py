"""What `rowpatch apis import` prints, writes and exits with."""

import json
from pathlib import Path
from typing import Any

import pytest

from worker.cli import run

BODY = {"content": {"application/json": {"schema": {"type": "object", "properties": {"name": {"type": "string"}}}}}}
UPDATE: dict[str, Any] = {"requestBody": BODY, "responses": {"200": BODY}}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "api.json"
    paths = {f"/t{number}/{{id}}": {"patch": UPDATE, "post": UPDATE} for number in range(20)}
    path.write_text(json.dumps({"openapi": "3.0.0", "paths": paths}), encoding="utf-8")
    return path


def test_a_draft_goes_to_standard_output_and_can_be_checked(
    large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["apis", "import", str(large), "--type", "t3"]) == 0
    printed = capsys.readouterr()
    draft = tmp_path / "draft.toml"
    draft.write_text(printed.out, encoding="utf-8")
    assert printed.err == ""
    assert run(["apis", "check", str(draft)]) == 0


def test_a_draft_is_written_to_a_file_and_replaced_only_by_force(
    large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = tmp_path / "draft.toml"
    command = ["apis", "import", str(large), "--path", "/t3/*", "--path", "/t4/{id}", "--write", str(draft)]
    assert run(command) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"Wrote {draft} (t3, t4). Next: rowpatch apis check {draft}\n")
    assert run(command) == 2
    assert "exists already" in capsys.readouterr().err
    assert run([*command, "--method", "post", "--force"]) == 0
    assert 'method = "POST"' in draft.read_text(encoding="utf-8")


def test_a_list_is_printed_and_never_written(large: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apis", "import", str(large)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "t0   PATCH  /t0/{id}"
    assert printed.err == "20 types of records: choose by --type NAME or --path '/path/*'.\n"
    assert run(["apis", "import", str(large), "--write", str(tmp_path / "x.toml")]) == 2
    assert not (tmp_path / "x.toml").exists()


def test_what_is_wrong_with_a_draft_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "sk_live_" + "a1" * 12
    schema = {"type": "object", "properties": {"mode": {"enum": [secret]}}}
    body = {"content": {"application/json": {"schema": schema}}}
    path = tmp_path / "api.json"
    paths = {"/t/{id}": {"patch": {"requestBody": body}}}
    path.write_text(json.dumps({"openapi": "3.0.0", "paths": paths}), encoding="utf-8")
    assert run(["apis", "import", str(path)]) == 0
    assert "looks like a secret" in capsys.readouterr().err


def test_a_document_that_cannot_be_used_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "api.yaml"
    path.write_text("a: !!python/name:os.system x", encoding="utf-8")
    assert run(["apis", "import", str(path)]) == 2
    assert capsys.readouterr().err == (
        f"rowpatch: {path}: line 1: a tag stands here, and none is executed: remove it\n"
    )
