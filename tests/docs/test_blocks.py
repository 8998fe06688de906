"""Every `console` and `python` block of the documents is run, and shows what it says.

The convention, for authors: the blocks of one document are one session, in a temporary folder that holds the
repository's `examples/`, with a sandbox running (`--limit 100/2s`) and `ROWPATCH_URL` and `ROWPATCH_TOKEN` set. Lines
that begin with `$ ` are commands; they must exit 0 (write `; echo "exit status $?"` where another status is the point).
The lines below are the whole output, standard error included; `...` stands for anything within a line, and for any
lines when alone. A block ```` ```csv NAME ```` (any language) is first written to a file of that name. A comment
`<!-- sandbox: FLAGS -->` gives the document's sandbox more flags. With `--api FILE` it serves that API instead (FILE
may be a block of the document), and what it announces is set as ROWPATCH_URL, ROWPATCH_TOKEN and so on.

The `python` blocks of one document are one session too, in an empty folder, with the same variables set. They run
inside an event loop that is going on, and may `await`. A `text` block that comes next is the whole output of a block.
"""

import ast
import asyncio
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, Block, Step, as_pattern, blocks, read, steps
from worker.sandbox import SandboxSettings, serve

PROGRAMS: Final = Path(sys.executable).parent
ANNOUNCED: Final = ("url", "token", "username", "password", "api_key")
"""What a sandbox announces and a shell would export. No client id and secret: a token of theirs has a short life."""

_FLAGS: Final = re.compile(r"<!-- sandbox: (.*?) -->")


def documents_with(language: str) -> list[str]:
    return [name for name in DOCUMENTS if any(block.info == (language,) for block in blocks(read(name)))]


@contextmanager
def sandbox(folder: Path, *flags: str) -> Iterator[dict[str, str]]:
    """What `export` would have set in the shell of somebody who follows the document."""
    usual = () if "--api" in flags else ("--limit", "100/2s")
    command = [str(PROGRAMS / "rowpatch"), "sandbox", *usual, "--latency", "1ms", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
        assert process.stdout is not None
        try:
            announced = json.loads(process.stdout.readline())
            yield {f"ROWPATCH_{name.upper()}": announced[name] for name in ANNOUNCED if name in announced}
        finally:
            process.terminate()


@pytest.mark.parametrize("document", documents_with("console"))
def test_a_document_shows_what_happens(document: str, tmp_path: Path) -> None:
    text = read(document)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for block in blocks(text):
        if len(block.info) == 2:  # the sandbox may need it
            lay_down(block, tmp_path)
    with sandbox(tmp_path, *" ".join(_FLAGS.findall(text)).split()) as address:
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
                lay_down(block, tmp_path)
            for step in steps(block.text) if block.info == ("console",) else ():
                check(step, tmp_path, environment)


def lay_down(block: Block, folder: Path) -> None:
    """Write a block that names its file."""
    path = folder / block.info[1]
    path.parent.mkdir(exist_ok=True)
    path.write_text(block.text, encoding="utf-8")


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


@pytest.mark.parametrize("document", documents_with("python"))
async def test_a_document_shows_what_happens_in_a_program(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = blocks(read(document))
    names: dict[str, Any] = {"__name__": "__main__"}
    monkeypatch.chdir(tmp_path)
    async with serve(SandboxSettings(seed=("stripe_payments=3",))) as served:
        monkeypatch.setenv("ROWPATCH_URL", served.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", served.token)
        for block, after in zip(found, [*found[1:], Block((), "")], strict=True):
            if len(block.info) == 2:
                lay_down(block, tmp_path)
            if block.info == ("python",):
                shown = after.text.rstrip("\n") if after.info == ("text",) else ""
                output = await said(block.text, names)
                assert as_pattern(shown).fullmatch(output), f"{block.text}\n-- the program:\n{output}"


async def said(code: str, names: dict[str, Any]) -> str:
    """Run code as if it stood in a coroutine; return what it prints."""
    compiled = compile(code, "document", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        ran = eval(compiled, names)
        if inspect.isawaitable(ran):
            await asyncio.wait_for(ran, 60)
    return out.getvalue()


async def test_code_of_a_document_may_await_and_what_it_raises_is_noticed() -> None:
    assert await said("import asyncio\nawait asyncio.sleep(0)\nprint(1 + 1)\n", {}) == "2\n"
    with pytest.raises(ZeroDivisionError):
        await said("await asyncio.sleep(0)\n1 / 0\n", {"asyncio": asyncio})
