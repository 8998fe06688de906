"""The units: what systemd itself says of them, what they start, and that they are hardened."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import PROGRAM, Machine, read

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")

MOST_EXPOSED = 20
"""Exposure that `systemd-analyze security` may find, of 100."""


def unit(name: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # names are not lower-cased
    parsed.read_string(read(name))
    return parsed


def installed(machine: Machine, folder: Path) -> list[Path]:
    """The units as instances of one job, with a program that exists."""
    paths = []
    for kind in ("service", "timer"):
        paths.append(folder / f"rowpatch@prices.{kind}")
        program = f"{machine.folder}{PROGRAM}"
        paths[-1].write_text(read(f"rowpatch@.{kind}").replace(PROGRAM, program))
    return paths


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(machine: Machine, tmp_path: Path) -> None:
    command = ["systemd-analyze", "verify", "--man=no", *map(str, installed(machine, tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
def test_systemd_would_say_what_is_wrong(machine: Machine, tmp_path: Path) -> None:
    service, _ = installed(machine, tmp_path)
    service.write_text(service.read_text().replace("PrivateTmp=yes", "PrivateTemp=yes"))
    command = ["systemd-analyze", "verify", "--man=no", str(service)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "PrivateTemp" in done.stderr


@needs_systemd
def test_the_service_is_hardened(machine: Machine, tmp_path: Path) -> None:
    service, _ = installed(machine, tmp_path)
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(service)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@needs_systemd
def test_the_timer_means_every_night() -> None:
    times = unit("rowpatch@.timer")["Timer"]["OnCalendar"]
    done = subprocess.run(["systemd-analyze", "calendar", times], capture_output=True, text=True, check=True)
    assert "Normalized form: *-*-* 02:30:00" in done.stdout


def test_the_service_does_what_the_cron_line_does() -> None:
    service = unit("rowpatch@.service")["Service"]
    (entry,) = (line for line in read("crontab").splitlines() if "* * *" in line)
    assert entry.endswith(f"exec {service['ExecStart'].replace('%i', 'prices')}")
    assert f". {service['EnvironmentFile']};" in entry
    assert f"cd {service['WorkingDirectory']} " in entry
    assert re.search(rf"\* {service['User']} ", entry)


def test_the_credential_of_the_job_comes_by_a_file_that_its_service_alone_sees() -> None:
    service = unit("rowpatch@.service")["Service"]
    assert service["LoadCredential"] == "token:/etc/rowpatch/%i.token"
    assert service["Environment"] == "ROWPATCH_TOKEN_FILE=%d/token"
    assert "ROWPATCH_TOKEN" not in read("environment")  # which would have the last word


def test_a_stop_leaves_time_for_requests_in_flight() -> None:
    service = unit("rowpatch@.service")["Service"]
    assert (service["KillMode"], service["TimeoutStopSec"]) == ("mixed", "2min")
    assert service["Type"] == "oneshot"  # a second start waits for the first
