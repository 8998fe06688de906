"""One format of the environment file: a shell, systemd and the format's own words read the same."""

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.deploy.files import read

SYSTEMD = Path("/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator")
"""Reads `environment.d` with the parser that systemd has for an EnvironmentFile, and then fills in variables."""

LINE = re.compile(r"#.*|(?P<name>[A-Za-z_][A-Za-z0-9_]*)='(?P<value>[^'\n]*)'|")

NAMES = st.from_regex(r"R_[A-Za-z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="'"))
PLAIN = VALUES.map(lambda text: re.sub(r"[$\\]", "", text)).filter(bool)  # variables are left out if they are empty


def meant(text: str) -> dict[str, str]:
    """What a file means by the words at its top; AssertionError if it is not of the format."""
    found = {}
    for line in text.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        if match["name"]:
            found[match["name"]] = match["value"]
    return found


def by_shell(text: str, folder: Path) -> dict[str, str]:
    """What a program started by the cron line gets."""
    path = folder / "environment"
    path.write_text(text, encoding="utf-8")
    command = ["sh", "-c", f"set -a; . {path}; exec env -0"]
    done = subprocess.run(command, capture_output=True, env={"PATH": os.environ["PATH"]}, check=False)
    pairs = (each.partition("=") for each in done.stdout.decode("utf-8").split("\0") if each)
    return {name: value for name, _, value in pairs if name not in {"PATH", "PWD", "OLDPWD", "_", "SHLVL"}}


def by_systemd(text: str, folder: Path) -> dict[str, str]:
    """What systemd's own parser reads: by name, as a shell would quote it, so that a shell takes the quotes off."""
    (folder / "environment.d").mkdir(exist_ok=True)
    (folder / "environment.d" / "1.conf").write_text(text, encoding="utf-8")
    done = subprocess.run([SYSTEMD], capture_output=True, check=True, env={"XDG_CONFIG_HOME": str(folder)})
    names = {line.split("=")[0] for line in text.splitlines() if "=" in line}
    quoted = (line for line in done.stdout.decode().splitlines() if line.split("=")[0] in names)
    return by_shell("\n".join(quoted) + "\n", folder)


needs_systemd = pytest.mark.skipif(not SYSTEMD.exists(), reason="systemd is not installed here")


def test_the_file_is_of_the_format_and_a_shell_reads_what_it_means(tmp_path: Path) -> None:
    text = read("environment")
    assert by_shell(text, tmp_path) == meant(text) == {"XDG_STATE_HOME": "/var/lib/rowpatch/state"}
    assert "TOKEN" not in text
    assert "SECRET" not in text


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_a_shell_reads_any_value_as_it_stands(values: dict[str, str]) -> None:
    text = "# a comment\n\n" + "".join(f"{name}='{value}'\n" for name, value in values.items())
    with TemporaryDirectory() as folder:
        assert by_shell(text, Path(folder)) == meant(text) == values


@needs_systemd
@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=4))
def test_systemd_reads_any_value_as_it_stands(values: dict[str, str]) -> None:
    text = "# a comment\n\n" + "".join(f"{name}='{value}'\n" for name, value in values.items())
    with TemporaryDirectory() as folder:
        assert by_systemd(text, Path(folder)) == values


@needs_systemd
@pytest.mark.parametrize("line", ["export A='b'", "A=b c", "A=`echo x`", "A='b' # c"])
def test_what_the_format_leaves_out_is_what_the_two_read_differently(line: str, tmp_path: Path) -> None:
    assert not LINE.fullmatch(line)
    assert by_shell(f"{line}\n", tmp_path) != by_systemd(f"{line}\n", tmp_path)
