"""The public names and their types: a change here is a change for those who import them. mypy checks the types."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final, assert_type

import pytest

import rowpatch

ROOT: Final = Path(__file__).parents[2]

NAMES: Final = {
    "Api", "Attempts", "Busy", "Checked", "ConfigError", "Connecting", "Event", "Input", "InputRefused",
    "JournalDamaged", "JournalError", "NightReport", "NoReports", "NothingToUndo", "Observer", "Pacing", "PlanSummary",
    "PreparedRun", "Progress", "Reported", "RunEnd", "Secrets", "Settings", "Status", "Stopping", "Summary", "Target",
    "Unfinished", "Verified",
    "Watch", "apply", "apply_plan", "check", "events", "load_api", "plan", "read_secrets", "reconcile",
    "report", "resume", "retry", "state_directory", "undo", "verify",
}  # fmt: skip


def hear(event: rowpatch.Event) -> None:
    """An observer is any function of an event; mypy knows when a kind of event is forgotten."""
    match event:
        case rowpatch.events.SlowedDown(method, status, pause_s):
            assert_type(method, str)
            assert_type(status, int)
            assert_type(pause_s, float)
        case rowpatch.events.Working(run, rows):
            assert_type(run, Path)
            assert_type(rows, int)


def fewer(settings: rowpatch.Settings) -> rowpatch.Settings:
    return settings


async def public_types(
    settings: rowpatch.Settings,
    secrets: rowpatch.Secrets,
    watch: rowpatch.Watch,
    place: Path,
    stream: BinaryIO,
    api: rowpatch.Api,
) -> None:
    """Never called: what it says is for mypy."""
    async with rowpatch.apply(
        settings, secrets, state_directory=place, directory=place, stream=stream, observer=hear
    ) as run:
        assert_type(run, rowpatch.PreparedRun)
        assert_type(run.directory, Path)
        assert_type(run.settings, rowpatch.Settings)
        assert_type((run.rows, run.lost), tuple[int, int])
        assert_type((run.mode, run.url, run.no_token), tuple[str, str, str])
        assert_type(run.is_harmless, bool)
        assert_type(run.warnings, tuple[str, ...])
        end = await run.execute(watch)
        assert_type(end, rowpatch.RunEnd)
        assert_type((end.state, end.message), tuple[str, str])
        assert_type(end.exit_status, int)
        assert_type(end.summary, rowpatch.Summary | None)
        assert_type(end.plan, rowpatch.PlanSummary | None)
    async with rowpatch.plan(
        settings, secrets, state_directory=place, directory=place, stream=stream, observer=hear
    ) as run:
        assert_type(await run.execute(), rowpatch.RunEnd)
    async with rowpatch.apply_plan(place, secrets, state_directory=place, adjust=fewer, observer=hear) as run:
        assert_type(run, rowpatch.PreparedRun)
    async with rowpatch.resume(
        place, secrets, state_directory=place, adjust=fewer, from_copy=True, observer=hear
    ) as run:
        assert_type(run, rowpatch.PreparedRun)
    async with rowpatch.retry(place, secrets, state_directory=place, adjust=fewer, limit=7, observer=hear) as run:
        assert_type(run, rowpatch.PreparedRun)
    async with rowpatch.undo(
        place, secrets, state_directory=place, directory=place, adjust=fewer, plan_only=True, observer=hear
    ) as run:
        assert_type(run, rowpatch.PreparedRun)
    verified = await rowpatch.verify(place, secrets, state_directory=place, sample=7, adjust=fewer, observer=hear)
    assert_type(verified, rowpatch.Verified)
    assert_type(await rowpatch.check(settings.input, "orders", stream=stream, api=api), rowpatch.Checked)
    assert_type(await rowpatch.report(place), rowpatch.Reported)
    environment: Mapping[str, str] = {}
    assert_type(rowpatch.read_secrets(environment), rowpatch.Secrets)
    assert_type(rowpatch.state_directory(environment), Path)


def test_the_public_names_are_these() -> None:
    assert set(rowpatch.__all__) == NAMES == set(dir(rowpatch))
    assert len(rowpatch.__all__) == len(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(rowpatch, name) is getattr(rowpatch, name)


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rowpatch.nonsense  # type: ignore[attr-defined]  # noqa: B018  # that it is not there is the point


def python(folder: Path, *arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the interpreter in a folder."""
    environment = {"PATH": "", "PYTHONDONTWRITEBYTECODE": "1", **({"PYTHONPATH": path} if path else {})}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )


def test_to_import_it_costs_nothing_until_a_name_is_used(tmp_path: Path) -> None:
    program = """
import sys
before = set(sys.modules)
import rowpatch
rowpatch.__all__, dir(rowpatch)
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))
"""
    assert python(tmp_path, "-c", program).stdout == "['rowpatch']\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_package_is_the_program(arguments: list[str], tmp_path: Path) -> None:
    ran = python(tmp_path, "-m", "rowpatch", *arguments)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("0.1.0\n" if arguments == ["--version"] else "Usage: rowpatch")


@pytest.mark.parametrize("name", ["jobs", "worker"])
@pytest.mark.parametrize("made", ["{}.py", "{}/__init__.py"])
def test_another_package_of_a_name_of_ours_is_refused_in_words(name: str, made: str, tmp_path: Path) -> None:
    other = tmp_path / made.format(name)
    other.parent.mkdir(exist_ok=True)
    other.write_text("raise RuntimeError('not ours')\n")
    said = f"another `{name}` is found first, '{tmp_path}/{name}"
    ran = python(tmp_path, "-m", "rowpatch", "runs", path=str(tmp_path))
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert ran.stderr.startswith(f"rowpatch: {said}")
    assert ran.stderr.endswith(": unset PYTHONPATH.\n")
    program = "import rowpatch\ntry:\n    rowpatch.apply\nexcept ImportError as error:\n    print(error)"
    assert python(tmp_path, "-c", program, path=str(tmp_path)).stdout.startswith(said)


def test_another_package_that_is_imported_already_is_refused_too(tmp_path: Path) -> None:
    program = """
import sys, types
sys.modules["worker"] = types.ModuleType("worker")
from rowpatch import Settings
"""
    ran = python(tmp_path, "-c", program)
    assert "ImportError: another `worker` is found first, 'already imported'" in ran.stderr


def test_the_wheel_has_it_with_its_types() -> None:
    assert (ROOT / "rowpatch" / "py.typed").is_file()
    assert 'packages = ["rowpatch", "worker", "jobs"]' in (ROOT / "pyproject.toml").read_text()
