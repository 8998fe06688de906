"""The page as a whole, as far as Python can read it; a browser looks at it in `make hunt NAME=pages`."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.system.pages.runs import HOSTILE, End, Story, failing, fine, hostile, make, remake, stopped
from worker.reports.page.document import MOST_BYTES
from worker.reports.page.problems import MOST

KNOWN_TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "main", "header", "section", "p", "h1", "h2", "h3", "ul",
    "ol", "li", "div", "span", "strong", "small", "bdi", "code", "pre", "svg", "rect", "line", "table", "caption",
    "thead", "tbody", "tr", "th", "td", "form", "label", "input", "select", "option", "button", "figure", "dl", "dt",
    "dd", "del", "ins", "script",
}  # fmt: skip
KNOWN_ATTRIBUTES = {
    "lang", "http-equiv", "content", "charset", "name", "href", "class", "id", "role", "tabindex", "aria-label",
    "aria-hidden", "hidden", "type", "autocomplete", "value", "disabled", "scope", "viewbox", "preserveaspectratio",
    "x", "y", "x1", "x2", "y1", "y2", "width", "height", "data-cause", "data-status",
}  # fmt: skip
VOID = {"meta", "input"}


class Page(HTMLParser):
    """A page, read as a browser would, that complains about whatever is not closed."""

    def __init__(self, directory: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.html = (directory / "report.html").read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: dict[str, str] = {}
        self.text = ""
        self.feed(self.html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"style", "script"}:
            self.raw[self.open[-1]] = data
        else:
            self.text += data

    def has(self, *said: str) -> bool:
        return all(each in self.text for each in said)


def page(story: Story, folder: Path) -> Page:
    make(story, folder / "run")
    return Page(folder / "run")


@pytest.mark.parametrize("story", [fine, failing, stopped, hostile])
def test_a_page_has_only_our_elements_and_asks_nobody_for_anything(story: Callable[[], Story], tmp_path: Path) -> None:
    read = page(story(), tmp_path)
    assert {tag for tag, _ in read.tags} <= KNOWN_TAGS
    assert {name for _, attributes in read.tags for name in attributes} <= KNOWN_ATTRIBUTES
    links = [attributes["href"] for _, attributes in read.tags if "href" in attributes]
    assert all(link is not None and re.fullmatch("#[a-z]+", link) for link in links)
    assert [tag for tag, _ in read.tags].count("script") == [tag for tag, _ in read.tags].count("style") == 1
    assert "url(" not in read.raw["style"]
    assert "@import" not in read.raw["style"]


def test_a_browser_runs_the_two_pieces_of_code_that_the_policy_names_and_nothing_else(tmp_path: Path) -> None:
    read = page(hostile(), tmp_path)
    policy = next(a["content"] for tag, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    hashes = {
        kind: base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for kind, code in read.raw.items()
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}';"
        " base-uri 'none'; form-action 'none'"
    )
    first_code = next(at for at, (tag, _) in enumerate(read.tags) if tag in {"style", "script"})
    assert first_code > [a.get("http-equiv") for _, a in read.tags].index("Content-Security-Policy")


def test_texts_that_want_to_be_more_are_shown_as_texts(tmp_path: Path) -> None:
    read = page(hostile(), tmp_path)
    for said in HOSTILE:
        if said.isprintable():
            assert said[:60] in read.text, said[:80]
    assert "\u202e" not in read.html
    assert "\x1b" not in read.html


@pytest.mark.parametrize(
    ("story", "said"),
    [
        (fine, "All 1,000 rows are done: 889 updated and 111 already right."),
        (failing, "120 of 1,000 rows need attention; 860 updated and 20 left out."),
        (stopped, "The run stopped early: 664 of 1,000 rows are not done; 336 updated."),
        (lambda: fine(1), "The one row is done: 1 updated."),
        (lambda: fine(0), "The sheet has no rows."),
    ],
)
def test_the_outcome_is_one_sentence(story: Callable[[], Story], said: str, tmp_path: Path) -> None:
    read = page(story(), tmp_path)
    assert said in read.text
    assert f": {said}</title>" in read.html


def test_the_page_says_what_to_do_and_why_for_every_cause(tmp_path: Path) -> None:
    read = page(failing(), tmp_path)
    assert read.has("What to do next", "rowpatch retry ", "Mend ", "failed.csv")
    for reason in ("not_found", "wrong_type", "validation", "timed_out", "throttled", "changed_since_plan"):
        assert reason in read.text
    assert read.has('For example row 7, line 8, column 4 (D): "12,50" is not a number', "12,50")
    assert read.has("The limits that held: 30 in 10 s.", "The API refused 16 requests", "Nothing was to be sent for")
    assert read.has('"old name 1"', '"new name 1"', "anna@office")


def test_the_page_proves_itself_and_says_so_when_it_cannot(tmp_path: Path) -> None:
    read = page(failing(), tmp_path)
    assert read.text.count("Agrees.") == 3
    assert hashlib.sha256((tmp_path / "run" / "input.csv").read_bytes()).hexdigest() in read.text


def test_a_copy_of_the_sheet_that_is_not_what_was_given_does_not_agree(tmp_path: Path) -> None:
    given, sheet = fine(9), tmp_path / "run" / "input.csv"
    make(given, tmp_path / "run")
    sheet.write_bytes(sheet.read_bytes() + b"\r\n")
    remake(given, tmp_path / "run")
    assert Page(tmp_path / "run").text.count("Does not agree.") == 1


def test_a_page_of_many_problems_is_bounded_shows_every_cause_and_names_the_file_with_all(tmp_path: Path) -> None:
    read = page(failing(20_000), tmp_path)
    rows = [a for tag, a in read.tags if tag == "tr" and "data-status" in a]
    assert len(rows) == MOST
    assert len({a["data-cause"] for a in rows}) == 6
    assert read.has("1,000 of 2,400 rows that need attention, spread over the causes. The file failed.csv beside")


@pytest.mark.parametrize("cell", ["<", "\U000e0001", "\U0001f469", "'\"&"])
def test_no_page_is_larger_than_it_may_be_whatever_stands_in_it(cell: str, tmp_path: Path) -> None:
    long = cell * 4000
    shape = json.dumps([part for n in range(60) for part in (["attributes", "metadata", f"{n}{long}"], None, None)])
    story = Story(
        300, ("id", *(f"{n}{long}" for n in range(60))), lambda row: (f"{row}{long[:200]}", *[long[:100]] * 60),
        lambda row: End("rejected", "validation", long, (f"{row % 60}{long}",), 422) if row > 5
        else End("applied", http=200),
        shape=shape, values=lambda row: [long] * 120, state=("stopped", 3, long),
    )  # fmt: skip
    read = page(story, tmp_path)
    assert 100_000 < len(read.html.encode()) <= MOST_BYTES
    assert len({a["data-cause"] for tag, a in read.tags if tag == "tr" and "data-status" in a}) >= 60


def test_a_page_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    first = page(failing(), tmp_path).html
    remake(failing(), tmp_path / "run")
    assert Page(tmp_path / "run").html == first
