"""The cron line does what it says: in the right folder, with the environment, and not without it."""

import json
import re
import shlex
import subprocess

import pytest

from tests.deploy.files import Machine, read

LINES = [line for line in read("crontab").splitlines() if line and not line.startswith("#")]
ASSIGNED = dict(line.split("=", 1) for line in LINES if re.match(r"[A-Z_]+=", line))
(ENTRY,) = (line for line in LINES if not re.match(r"[A-Z_]+=", line))
*TIMES, USER, COMMAND = ENTRY.split(" ", 6)


def ran(machine: Machine) -> subprocess.CompletedProcess[str]:
    """As cron does: a bare environment, the variables of the table, a shell."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(machine.folder), **ASSIGNED}
    command = [ASSIGNED["SHELL"], "-c", machine.moved(COMMAND)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_entry_has_its_times_a_user_and_a_command_that_cron_takes_whole() -> None:
    assert TIMES == ["30", "2", "*", "*", "*"]
    assert USER == "rowpatch"
    assert "%" not in COMMAND  # cron makes a line break of it
    assert read("crontab").endswith("\n")  # or cron ignores the last line


def test_the_program_starts_with_the_environment_in_its_folder(machine: Machine) -> None:
    arguments, folder, environment = json.loads(ran(machine).stdout)
    assert arguments == ["reconcile", "--no-progress", f"{machine.folder}/etc/rowpatch/prices.toml"]
    assert folder == f"{machine.folder}/var/lib/rowpatch"
    assert environment["XDG_STATE_HOME"] == f"{machine.folder}/var/lib/rowpatch/state"
    assert environment["ROWPATCH_TOKEN_FILE"] == f"{machine.folder}/etc/rowpatch/prices.token"


@pytest.mark.parametrize("lost", ["etc/rowpatch/environment", "var/lib/rowpatch"])
def test_without_its_environment_or_its_memory_nothing_starts(machine: Machine, lost: str) -> None:
    path = machine.folder / lost
    path.rename(path.with_name("moved"))
    done = ran(machine)
    assert done.returncode != 0
    assert (done.stdout, bool(done.stderr)) == ("", True)


def test_no_secret_stands_in_the_table_and_no_credential_is_that_of_all_jobs() -> None:
    assert not {name for name in ASSIGNED if name.startswith("ROWPATCH_")}
    assert shlex.split(COMMAND)  # its quotes are balanced
