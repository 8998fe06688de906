"""The documents, and what stands in them that can be checked: fenced blocks, links, generated parts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

DOCUMENTS: Final = tuple(
    sorted(
        path.relative_to(ROOT).as_posix()
        for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/RESULTS.md")
        for path in ROOT.glob(pattern)
    )
)

_FENCE: Final = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(?<!\!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the words after the fence, and the text."""

    info: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a console block, and the output that the document shows."""

    command: str
    shown: str


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [Block(tuple(found["info"].split()), found["text"]) for found in _FENCE.finditer(text)]


def steps(console: str) -> list[Step]:
    """The commands of a console block. A line that ends with a backslash goes on in the next."""
    found: list[Step] = []
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, shown = re.sub(r"\\\n", "\\\\\0", part).partition("\n")
        found.append(Step(command.replace("\\\0", "\\\n"), shown.replace("\\\0", "\\\n").rstrip("\n")))
    return found


def as_pattern(shown: str) -> re.Pattern[str]:
    """Shown output as a pattern: `...` stands for anything within a line, on a line of its own for any lines."""
    lines = [r"(?:.*\n)*?" if line == "..." else _line(line) for line in shown.splitlines()]
    return re.compile("".join(lines))


def links(text: str) -> Iterator[str]:
    for found in _LINK.finditer(_FENCE.sub("", text)):
        yield found["target"]


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = _HEADING.findall(_FENCE.sub("", text))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _line(line: str) -> str:
    return "[^\n]*".join(map(re.escape, line.split("..."))) + "\n"
