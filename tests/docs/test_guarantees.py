"""Every guarantee has a line that says how it is checked, and what the line names is there."""

import re
from itertools import chain
from typing import Final

from tests.docs.documents import ROOT, read

PROMISED: Final = tuple(range(1, 54))
"""Numbers of the guarantees that the document must have."""

_LINE: Final = re.compile(
    r"^\| G(?P<number>\d+) \| (?P<promise>[^|]+) \| (?P<check>[^|]+) \| (?P<figure>[^|]+) \|$", re.MULTILINE
)


def lines() -> list[re.Match[str]]:
    return list(_LINE.finditer(read("docs/guarantees.md")))


def test_every_guarantee_has_one_line_with_a_check_and_a_figure() -> None:
    assert [int(line["number"]) for line in lines()] == list(PROMISED)


def test_every_test_that_is_named_exists() -> None:
    checks = [line["check"] for line in lines()]
    files = set(chain.from_iterable(re.findall(r"tests/[\w/]+\.py", check) for check in checks))
    assert [name for name in sorted(files) if not (ROOT / name).is_file()] == []
