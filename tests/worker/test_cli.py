"""A bare `-` is standard input behind a flag that takes no value, and the value of one that does."""

import subprocess
import sys

import pytest

from worker.cli import _COMMANDS, _switches, _with_dashes

SWITCHES = [(command, flag) for command in _COMMANDS for flag in sorted(_switches([command, "-"]))]
READING = [flag for command, flag in SWITCHES if command == "check"]


def test_the_flags_without_a_value_are_found_in_the_signatures_of_the_commands() -> None:
    assert {"--all", "--json", "--blind", "--resend-unknown", "--visible-only"} == set(READING)
    assert {("apply", "--yes"), ("plan", "--detailed-exitcode"), ("undo", "--plan-only")} < set(SWITCHES)


@pytest.mark.parametrize(("command", "flag"), SWITCHES)
def test_a_dash_behind_a_flag_without_a_value_is_standard_input(command: str, flag: str) -> None:
    assert list(_with_dashes([command, flag, "-"])) == [command, flag, "/dev/stdin"]


@pytest.mark.parametrize(
    ("arguments", "understood"),
    [
        (["check", "-"], ["check", "/dev/stdin"]),
        (["check", "-", "--type", "orders"], ["check", "/dev/stdin", "--type", "orders"]),
        (["check", "--clear-token", "-", "a.csv"], ["check", "--clear-token=-", "a.csv"]),
        (["check", "--clear-token=x", "-"], ["check", "--clear-token=x", "/dev/stdin"]),
        (["apis", "show", "--source", "-"], ["apis", "show", "--source", "/dev/stdin"]),  # a command of a command
        (["apis", "-"], ["apis", "/dev/stdin"]),
        (["check", "a.csv", "--delimiter", "-"], ["check", "a.csv", "--delimiter=-"]),
        (["-"], ["/dev/stdin"]),  # no command: the parser says so
        (["no-command", "-"], ["no-command", "/dev/stdin"]),
        (["check", "a.csv"], ["check", "a.csv"]),
        ([], []),
    ],
)
def test_a_dash_is_the_value_of_a_flag_that_takes_one(arguments: list[str], understood: list[str]) -> None:
    assert list(_with_dashes(arguments)) == understood


def imported(*arguments: str) -> set[str]:
    """The modules that are there once the dashes of a command line are understood."""
    program = "import sys; from worker.cli import _with_dashes; list(_with_dashes(sys.argv[1:])); print(*sys.modules)"
    command = [sys.executable, "-c", program, *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_only_the_command_that_is_called_is_imported_to_find_its_flags() -> None:
    commands = {f"worker.cli.{name}" for name in _COMMANDS}
    assert commands & imported("check", "--all", "-") == {"worker.cli.check"}
    assert commands & imported("check", "a.csv") == set()
