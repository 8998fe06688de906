"""`make demo`, and what it would say if the program were wrong. The same file makes the claim: it is loaded here."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "bulk-tag-metadata"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    return script("demo")


def entry(key: str, attributes: object, *, applied: bool = True) -> dict[str, object]:
    body = {"data": {"type": "transactions", "id": key, "attributes": attributes}}
    return {"type": "transactions", "id": key, "applied": applied, "body": body}


def test_the_quick_demo_applies_both_sheets_and_leaves_their_results(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "demo.py"), "--quick"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "120 rows arrived as written, each once; 0 were refused as too many" in ran.stdout
    summaries = [json.loads(path.read_bytes()) for path in sorted(tmp_path.glob("runs/*/*/summary.json"))]
    assert [summary["counts"]["applied"] for summary in summaries] == [60, 60]


def test_the_demo_ends_the_sandbox_it_started(demo: ModuleType, tmp_path: Path) -> None:
    with demo._sandbox(tmp_path / "state") as server:
        assert server.ledger() == []
    with pytest.raises(OSError, match="refused"):
        server.ledger()


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "2 records are not as the sheet says"),  # nothing arrived
        ([entry("a", {"reference": "1"})], "1 records are not"),  # a row is lost
        ([entry("a", {"reference": "1"}), entry("b", {"reference": "two"})], "b for one"),  # another value
        ([entry("a", {"reference": "1"}), entry("b", {"reference": 2})], "b for one"),  # another type
        ([entry("a", {"reference": "1"}), entry("b", {"reference": "2"}, applied=False)], "b for one"),  # refused
        ([entry("a", {"reference": "1"})] * 2 + [entry("b", {"reference": "2"})], "1 updates were applied twice"),
    ],
)
def test_a_ledger_that_disagrees_with_the_sheet_fails_the_demo(
    demo: ModuleType, entries: list[dict[str, object]], said: str
) -> None:
    sheet = demo.Sheet("x.ndjson", "transactions", (), {"a": {"reference": "1"}, "b": {"reference": "2"}})
    with pytest.raises(demo.DemoFailed, match=said):
        demo._judge(sheet, entries)


@pytest.mark.parametrize("name", ["payments.csv", "transactions.ndjson", "mistakes.csv"])
def test_the_committed_sheets_are_what_the_script_writes(name: str) -> None:
    assert (EXAMPLE / name).read_bytes() == script("make_sheets").sheets()[name].encode()


def test_the_script_writes_every_sheet_of_the_example() -> None:
    assert {path.name for path in EXAMPLE.iterdir() if path.suffix in {".csv", ".ndjson"}} == set(
        script("make_sheets").sheets()
    )
