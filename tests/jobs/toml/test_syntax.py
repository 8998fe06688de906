"""Of a text that is no TOML, the line and the trap are told."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.apis.description.loading import examine
from jobs.toml.syntax import explained

TRAPS = [
    ("a = foo", 1, "column 5: a text needs quotes"),
    ("a = $", 1, "column 5: a text needs quotes"),
    ("a = /path", 1, "column 5: a text needs quotes"),
    ("a = 10/60s", 1, "column 7: a text needs quotes"),
    ("a = 1 b = 2", 1, "each key a line of its own"),
    ("a =", 1, "a value is missing after `=`"),
    ("a = # b", 1, "a value is missing after `=`"),
    ("a = True", 1, "small letters"),
    ("a = FALSE", 1, "small letters"),
    ("a = \u201cx\u201d", 1, "straight quotes"),
    ('a = "x" = 3', 1, "there is a second `=`"),
    ('a = "x"b"', 1, "stands in the other kind"),
    ('a: "x"', 1, "write `=` between key and value, not `:`"),
    ("a b = 1", 1, "needs quotes"),
    ("a = {id}", 1, 'a text with braces needs quotes: "{id}"'),
    ("= 1", 1, "the key before `=` is missing"),
    ('/a = "x"', 1, "a key with other characters"),
    ("\na = { b = 1,\nc = 2 }", 2, "a table in braces stands on one line"),
    ("a = { b = 1 c = 2 }", 1, "a table in braces stands on one line"),
    ('a = "x\n', 1, "the quotes are not closed on this line"),
    ('a = "\x01"', 1, "a control character"),
    ("a = [1 2]", 1, "a list needs a comma"),
    ("[a b]", 1, "a header is [name] or [[name]]"),
    ("[[a]", 1, "a header is [name] or [[name]]"),
    ('a = "\\d"', 1, "a backslash begins an escape"),
    ('a = "\\ud800"', 1, "a backslash begins an escape"),
    ('a = "\\u12"', 1, "a backslash begins an escape"),
    ('a = 1\nb = """x\ny', 2, "three quotes never ends"),
    ("a = '''x\ny", 1, "three quotes never ends"),
    ("a = [1,\n2,\n\n", 2, "`]` is missing"),
    (f"a = 1\nb = {'1' * 5000}", 2, "thousands of digits"),
    ("a = 1\n\na = 2", 3, "it stands here a second time (first in line 1): keep one"),
    ("[a]\nb = 1\n[a]", 3, "(first in line 1)"),
    ("a = { b = 1 }\na.c = 2", 2, "in another form"),
]


@pytest.mark.parametrize(("text", "line", "says"), TRAPS)
def test_a_trap_is_explained_at_its_line(text: str, line: int, says: str) -> None:
    (problem,) = examine(text).problems
    assert problem.line == line
    assert says in problem.text


def test_a_key_that_stands_there_twice_is_named() -> None:
    (problem,) = examine("[auth]\ntype = 'none'\ntype = 'basic'\n").problems
    assert (problem.key, problem.line) == ("auth.type", 3)


def test_what_is_not_foreseen_is_told_as_the_parser_says_it() -> None:
    assert explained("x\n", "Something new (at line 1, column 2)").text == "column 2: no TOML: Something new"


@given(st.text(alphabet="a=[]{},.\"'#\n 1\\:"))
def test_every_text_is_toml_or_has_one_problem_with_a_line_in_it(text: str) -> None:
    try:
        tomllib.loads(f"{text}\n")
    except tomllib.TOMLDecodeError:
        (problem,) = examine(text).problems
        assert 1 <= problem.line <= text.count("\n") + 1
