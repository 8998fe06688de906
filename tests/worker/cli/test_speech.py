"""All output passes one place, and what others wrote cannot steer the terminal from there."""

import ast
import io
import json
import re
import sys
import unicodedata
from datetime import datetime
from pathlib import Path

import anyio
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.live import Live
from rich.text import Text

from worker.cli import console, run, screen, speech
from worker.clock import Clock
from worker.engine.progress import Progress
from worker.policy.pace import Pace

ROOT = Path(__file__).parents[3]

STEERING = [
    "\x1b[2J\x1b[1;1H",  # clears the screen
    "\x1b]0;title\x07",  # an operating system command, such as OSC 8 and OSC 52
    "\x9b31m",  # the one-character form of the escape sequences
    "\x00\x07\x08\x7f",  # NUL, bell, backspace, delete
    "\r\t\v\f",  # overwrites the line
    "\u202a\u202b\u202c\u202d\u202e",  # bidirectional embeddings and overrides
    "\u2066\u2067\u2068\u2069",  # bidirectional isolates
    "\u200e\u200f\u061c",  # direction marks
    "\u200b\u2060\ufeff\u00ad",  # nothing to be seen at all
    "\u2028\u2029\x85\x1c",  # other line ends
    "\U000e0041\U000e0042",  # tags: a text within the text
    "\ud800",  # half a character
]

hostile = st.one_of(
    st.text(), st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co"))), st.sampled_from(STEERING)
)


def steers(text: str) -> str:
    """The characters that no terminal should be given."""
    joiners = "\u200c\u200d"  # scripts and emoji need them; they neither move nor hide anything
    kinds = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return "".join(each for each in text if each not in "\n" + joiners and unicodedata.category(each) in kinds)


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    return out + err


@pytest.fixture(autouse=True)
def own_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    structlog.reset_defaults()


@pytest.mark.parametrize("text", STEERING)
def test_what_is_said_or_complained_or_asked_or_shown_or_logged_steers_nothing(
    text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    speech.say(f"a{text}b")
    speech.complain(f"a{text}b", 2)
    speech.ask(f"a{text}b")
    console.show(lambda drawn: drawn.print(Text(f"a{text}b"), f"{text}"))
    monkeypatch.setattr(screen, "_console", console.Screen(file=sys.stderr))
    for log_format in ("text", "json"):
        screen.configure_log(log_format)
        structlog.get_logger().info("event", fact=f"a{text}b")
    shown = printed(capsys)
    assert shown.count("a") >= 6
    assert steers(shown) == ""


@given(text=hostile)
def test_no_text_whatever_steers_the_terminal(text: str) -> None:
    file = io.StringIO()
    drawn = console.Screen(file=file)
    drawn.print(Text(text), soft_wrap=True)
    drawn.print(Text(text), width=7)
    assert steers(file.getvalue()) == ""
    assert steers(speech.lines(text)) == ""


def test_the_programs_own_styles_pass_and_those_of_a_cell_do_not() -> None:
    file = io.StringIO()
    drawn = console.Screen(file=file, force_terminal=True, color_system="standard")
    drawn.print(Text("\x1b[32mgreen?", "red"))
    assert re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue()) == "\\x1b[32mgreen?\n"
    assert "\x1b[31m" in file.getvalue()


def test_the_progress_line_cannot_be_steered_either() -> None:
    file = io.StringIO()
    drawn = console.Screen(file=file, force_terminal=True, color_system=None)
    with Live(console=drawn, auto_refresh=False) as live:
        live.update(Text("\x1b[2J\u202e"), refresh=True)
    assert "\\x1b[2J\\u202e" in file.getvalue()


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize(
    "arguments",
    [
        lambda text: [f"no-such-{text}"],
        lambda text: ["apply", "a.csv", text],
        lambda text: ["apply", f"{text}.csv", "--url", "http://127.0.0.1:9"],
        lambda text: ["apply", "a.csv", "--type", text, "--url", f"http://{text}"],
        lambda text: ["apply", "a.csv", "--url", "http://127.0.0.1:9", "--ca-file", text],
        lambda text: ["apply", "a.csv", "--url", "http://127.0.0.1:9", "--rate", text],
        lambda text: ["apply", "a.csv", f"--{text}"],
        lambda text: ["apply", "a.csv", "--log-format", text],
        lambda text: ["apply", "--plan", text],
        lambda text: ["resume", text],
        lambda text: ["report", text, text],
        lambda text: ["undo", text],
        lambda text: ["verify", text, "--sample", text],
        lambda text: ["sandbox", "--latency", text],
    ],
)
def test_no_refusal_of_arguments_steers_the_terminal(
    text: str,
    arguments: object,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROWPATCH_TOKEN", "t")
    if "\0" in text or "\ud800" in text:
        text = text.replace("\0", "").replace("\ud800", "\udcff")  # neither can be among arguments
    assert run(arguments(text)) == 2  # type: ignore[operator]  # a lambda
    shown = printed(capsys)
    assert shown
    assert steers(shown) == ""


@pytest.mark.parametrize("text", [*STEERING, "two\nlines", 'a "quote"'])
def test_in_json_everything_on_standard_error_is_a_json_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with speech.json_lines():
        speech.warn(text)
        assert speech.complain(text, 3) == 3
        speech.prompt(text)
    speech.warn("as ever")
    out, err = capsys.readouterr()
    *lines, last = err.splitlines()
    said = [json.loads(line) for line in lines]
    assert [(each["event"], each["level"]) for each in said] == [
        ("note", "info"), ("error", "error"), ("question", "info"),
    ]  # fmt: skip
    assert {each["message"] for each in said} == {speech.lines(text)}
    assert all(datetime.fromisoformat(each["timestamp"]).tzinfo for each in said)
    assert (out, last, steers(err)) == ("", "as ever", "")


def test_in_json_nothing_is_drawn_and_progress_is_an_event(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "ELSEWHERE", 0.01)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    pace = Pace(max_in_flight=1)
    progress = Progress(7, lambda: 1.0, lambda: 0.0, pace, pace)

    async def watched() -> None:
        with anyio.move_on_after(0.1):
            await screen.Board(Clock().bound()).watch(progress)

    with speech.json_lines():
        screen.configure_log("json")
        anyio.run(watched)
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {each["event"] for each in said} == {"progress"}
    assert said[0]["message"].startswith("0/7 rows")


@pytest.mark.parametrize(
    "arguments",
    [
        ["apply", "a.csv", "--log-format", "json", "--no-such-flag"],
        ["apply", "a.csv", "--log-format=json"],
        ["resume", "no-such-run", "--log-format", "json"],
        ["verify", "no-such-run", "--log-format", "text", "--log-format", "json"],
    ],
)
def test_a_refusal_is_a_json_line_where_the_log_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["error"]


def test_the_environment_makes_json_lines_too_but_only_for_what_begins_a_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROWPATCH_LOG_FORMAT", "json")
    assert run(["apply", "a.csv", "--type", "orders"]) == 2
    assert capsys.readouterr().err.startswith("{")
    assert run(["apply", "a.csv", "--type", "orders", "--log-format", "text"]) == 2
    assert capsys.readouterr().err.startswith("rowpatch: ")
    assert run(["resume", "no-such-run"]) == 2
    assert capsys.readouterr().err.startswith("rowpatch: ")


def test_nothing_else_prints() -> None:
    printing, drawing = set(), set()
    for path in (*ROOT.glob("jobs/**/*.py"), *ROOT.glob("worker/**/*.py"), *ROOT.glob("rowpatch/*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name):
                printing |= {name} if called.id == "print" else set()
                drawing |= {name} if called.id == "Console" else set()
            if isinstance(called, ast.Attribute) and called.attr in {"write", "writelines"}:
                assert "std" not in ast.unparse(called.value), name
    # The sandbox says what it made up itself; where another `jobs` is found, the place for words cannot be imported.
    assert printing == {"worker/cli/speech.py", "worker/cli/sandbox.py", "rowpatch/__main__.py"}
    assert drawing == {"worker/reports/plan_text.py"}  # to measure, not to print
