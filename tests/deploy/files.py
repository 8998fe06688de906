"""The deploy files, and a copy of them that works in a folder: its paths instead of those of a real machine."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.docs.documents import ROOT

DEPLOY: Final = ROOT / "deploy"

PROGRAM: Final = "/opt/rowpatch/bin/rowpatch"

FAKE: Final = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))
"""
"""A program that says how it was called."""


def read(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Machine:
    """A folder in which the paths of the deploy files lie."""

    folder: Path

    def moved(self, text: str) -> str:
        for path in ("/opt/rowpatch", "/etc/rowpatch", "/var/lib/rowpatch"):
            text = text.replace(path, f"{self.folder}{path}")
        return text

    def prepare(self) -> None:
        for path in ("opt/rowpatch/bin", "etc/rowpatch", "var/lib/rowpatch"):
            (self.folder / path).mkdir(parents=True)
        program = self.folder / PROGRAM.removeprefix("/")
        program.write_text(FAKE)
        program.chmod(0o755)
        (self.folder / "etc/rowpatch/environment").write_text(self.moved(read("environment")))
        (self.folder / "etc/rowpatch/prices.token").touch()
