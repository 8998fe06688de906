"""Every key of a TOML text is located, however it is written."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.toml.lines import Repeated, layout_of
from jobs.toml.problems import Path
from jobs.toml.writing import inline

TEXT = """\
# a comment with [brackets] and = signs
name = "x" # one = more
"quoted.key" = 1
a.b.'c d' = 2
when = 2026-01-02 03:04:05
text = \"\"\"
[not.a.table]
key = "no" \\
\"\"\"
raw = '''
'quoted' = 1
'''
list = [ # comment
  { x = 1, "y" = [1, 2] },

  "b",
]
empty = {}
none = []

[auth]
type = 1.5
[[rules]]
means = "a"
[[rules]]
means = "b"
[rules.header]
A = "x"
[[rules.more]]
deep = true
[ tables . "with.dot" ]
x = { }
"""


def everywhere(value: Any, path: Path = ()) -> Iterator[Path]:
    """Paths of everything in the data of a file."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from everywhere(each, (*path, key))


def test_everything_in_a_text_has_its_line() -> None:
    lines = layout_of(TEXT).lines
    assert set(lines) == set(everywhere(tomllib.loads(TEXT)))
    assert {path: line for path, line in lines.items() if line in range(2, 22)} == {
        ("name",): 2,
        ("quoted.key",): 3,
        ("a",): 4,
        ("a", "b"): 4,
        ("a", "b", "c d"): 4,
        ("when",): 5,
        ("text",): 6,
        ("raw",): 10,
        ("list",): 13,
        ("list", 0): 14,
        ("list", 0, "x"): 14,
        ("list", 0, "y"): 14,
        ("list", 0, "y", 0): 14,
        ("list", 0, "y", 1): 14,
        ("list", 1): 16,
        ("empty",): 18,
        ("none",): 19,
        ("auth",): 21,
    }
    assert lines["rules", 1, "header", "A"] == 28
    assert lines["rules", 1, "more", 0, "deep"] == 30
    assert lines["tables", "with.dot", "x"] == 32


def test_a_key_knows_the_header_that_it_stands_below() -> None:
    layout = layout_of(TEXT)
    assert layout.sections["list", 0, "x"] == ()
    assert layout.sections["rules", 1, "header", "A"] == ("rules", 1, "header")
    assert layout.headers == (
        ("auth",),
        ("rules", 0),
        ("rules", 1),
        ("rules", 1, "header"),
        ("rules", 1, "more", 0),
        ("tables", "with.dot"),
    )
    assert layout.repeated is None


def test_what_is_not_there_has_the_line_of_what_it_would_be_in() -> None:
    layout = layout_of(TEXT)
    assert layout.line(("auth", "header")) == 21
    assert layout.line(("rules", 1, "body", "/x")) == 25
    assert layout.line(("resources",)) == 1


@pytest.mark.parametrize(
    ("text", "repeated"),
    [
        ("a = 1\nb = 2\na = 3\n", Repeated(("a",), 3, 1)),
        ("x = { a = 1, a = 2 }", Repeated(("x", "a"), 1, 1)),
        ("[t]\n[t]\n", Repeated(("t",), 2, 1)),
        ("a = 1\na = 2\na = 3\n", Repeated(("a",), 2, 1)),  # the first of them
        ("a.b = 1\na = 2\n", None),  # it stands there once, and a part of it before
    ],
)
def test_a_key_that_stands_there_twice_is_found(text: str, repeated: Repeated | None) -> None:
    assert layout_of(text).repeated == repeated


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[[",
        "[a",
        "a",
        "a =",
        "a = [",
        "a = [1 2]",
        "a = {",
        "a = { b = 1 c = 2 }",
        "a = { b\n",
        '"\\q" = 1',
        '"',
        "= 1",
        "]",
        "a.\n",
    ],
)
def test_a_text_that_is_no_toml_is_located_as_far_as_can_be_told(text: str) -> None:
    assert layout_of(f"{text}\nz = 1\n").lines.get(("z",)) in {None, text.count("\n") + 2}


@given(st.text(alphabet="a=[]{},.\"'#\n 1"))
def test_no_text_breaks_it(text: str) -> None:
    layout_of(text)


keys = st.text(min_size=1, max_size=4)
values = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_every_key_of_every_text_is_located(data: dict[str, Any]) -> None:
    text = "".join(f"\n{inline({key: value})[2:-2]}\n" for key, value in data.items())
    assert tomllib.loads(text) == data
    lines = layout_of(text).lines
    assert set(lines) == set(everywhere(data))
    assert [lines[key,] for key in data] == list(range(2, 2 + 2 * len(data), 2))
