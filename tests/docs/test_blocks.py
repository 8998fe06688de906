"""Every `console` block of the documents is run, and shows what it says.

The convention, for authors: the blocks of one document are one session, in a temporary folder that holds the
repository's `examples/`, with a sandbox running (`--limit 100/2s`) and `ROWPATCH_URL` and `ROWPATCH_TOKEN` set. Lines
that begin with `$ ` are commands; they must exit 0 (write `; echo "exit status $?"` where another status is the point).
The lines below are the whole output, standard error included; `...` stands for anything within a line, and for any
lines when alone. A block ```` ```csv NAME ```` (any language) is first written to a file of that name. A comment
`<!-- sandbox: FLAGS -->` gives the document's sandbox more flags.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, Step, as_pattern, blocks, read, steps

PROGRAMS: Final = Path(sys.executable).parent
_FLAGS: Final = re.compile(r"<!-- sandbox: (.*?) -->")
SESSIONS: Final = [name for name in DOCUMENTS if any(block.info[:1] == ("console",) for block in blocks(read(name)))]


@contextmanager
def sandbox(*flags: str) -> Iterator[dict[str, str]]:
    """What `export` would have set in the shell of somebody who follows the document."""
    command = [str(PROGRAMS / "rowpatch"), "sandbox", "--limit", "100/2s", "--latency", "1ms", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            announced = json.loads(process.stdout.readline())
            yield {"ROWPATCH_URL": announced["url"], "ROWPATCH_TOKEN": announced["token"]}
        finally:
            process.terminate()


@pytest.mark.parametrize("document", SESSIONS)
def test_a_document_shows_what_happens(document: str, tmp_path: Path) -> None:
    text = read(document)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with sandbox(*" ".join(_FLAGS.findall(text)).split()) as address:
        environment = {
            **os.environ,
            **address,
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "XDG_STATE_HOME": str(tmp_path / ".state"),
            "COLUMNS": "80",
            "LC_ALL": "C.UTF-8",
        }
        for block in blocks(text):
            if len(block.info) == 2:
                (tmp_path / block.info[1]).write_text(block.text, encoding="utf-8")
            for step in steps(block.text) if block.info == ("console",) else ():
                check(step, tmp_path, environment)


def check(step: Step, folder: Path, environment: dict[str, str]) -> None:
    ran = subprocess.run(
        step.command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    output = "".join(line.rstrip() + "\n" for line in ran.stdout.decode().replace("\ufeff", "").splitlines())
    assert ran.returncode == 0, f"$ {step.command}\n{output}"
    pattern = as_pattern(step.shown)
    assert pattern.fullmatch(output), f"$ {step.command}\n-- the document:\n{step.shown}\n-- the program:\n{output}"
