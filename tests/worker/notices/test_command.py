"""A notice by a command: what it gets, what it does not get, and how long it may take."""

import json
import sys
import time
from pathlib import Path

import pytest

from worker.notices.command import Command, run

SECRETS = {"ROWPATCH_TOKEN": "t0k3n", "ROWPATCH_CLIENT_SECRET": "s", "HOOK": "https://hooks.example/secret"}


def python(script: str, *arguments: str, seconds: float = 30.0) -> Command:
    return Command((sys.executable, "-c", script, *arguments), seconds)


def test_a_command_gets_the_digest_its_arguments_and_an_environment_without_secrets(tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen = "[json.load(sys.stdin), dict(os.environ), sys.argv[2:]]"
    script = f"import json, os, sys; json.dump({seen}, open(sys.argv[1], 'w'))"
    command = python(script, str(out), "a; b", "$HOME")
    assert run(command, {"job": "prices", "rows": 2}, {**SECRETS, "PATH": "/bin", "LANG": "C"}, {"HOOK"}) == ""
    said, environment, arguments = json.loads(out.read_text())
    assert said == {"job": "prices", "rows": 2}
    assert environment.items() >= {"PATH": "/bin", "LANG": "C"}.items()
    assert not environment.keys() & SECRETS.keys()
    assert arguments == ["a; b", "$HOME"]  # no shell looks at them


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (python("import sys; sys.exit(4)"), "its exit status was 4"),
        (python("import os; os.kill(os.getpid(), 9)"), "its exit status was -9"),
        (Command(("/nowhere/tell",)), "it cannot be started: No such file or directory"),
        (Command(("/",)), "it cannot be started: Permission denied"),
        (Command(("a\0b",)), "it cannot be started: an argument is not valid"),
        (python("pass"), ""),  # it need not read
    ],
)
def test_a_command_that_fails_says_why(command: Command, why: str) -> None:
    assert run(command, {"text": "x" * 200_000}, {}) == why


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    late = tmp_path / "late"
    child = f"import time; time.sleep(1); open({str(late)!r}, 'w')"
    script = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    begun = time.monotonic()
    assert run(python(script, seconds=0.5), {}, {}) == "it took more than 0.5 s"
    assert time.monotonic() - begun < 30
    time.sleep(1)
    assert not late.exists()


def test_what_a_command_prints_does_not_mix_with_our_output(capfd: pytest.CaptureFixture[str]) -> None:
    run(python("import sys; print('out'); print('err', file=sys.stderr)"), {}, {})
    assert capfd.readouterr() == ("", "err\n")
