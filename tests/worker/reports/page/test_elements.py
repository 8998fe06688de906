"""There is no way from a text to markup."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.system.pages.runs import HOSTILE
from worker.reports.page.elements import Markup, element, embedded, joined, text


class Read(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_any_text_is_one_text_in_an_element_and_one_value_in_an_attribute(said: str) -> None:
    read = Read(element("p", said, title=said).html)
    (tag, attributes), *others = read.tags
    assert (tag, list(attributes), others) == ("p", ["title"], [])
    assert read.said == attributes["title"]


@given(st.text(max_size=20))
def test_what_can_be_printed_is_shown_as_it_is(said: str) -> None:
    assert Read(text(said).html).said == said or not said.isprintable()


@pytest.mark.parametrize("said", ["\u202egnp.exe", "\x1b[31m", "\x00", "\u2066a\u2069", "\ud83d"])
def test_what_steers_a_screen_is_shown_as_an_escape(said: str) -> None:
    assert text(said).html.isprintable()
    assert "\\" in text(said).html


@pytest.mark.parametrize("character", ["x", "&", "\u202e", "\U000e0001", "\U0001f469"])
def test_a_text_of_megabytes_has_no_more_characters_than_there_is_room_for(character: str) -> None:
    assert len(Read(text(character * 3_000_000, 50).html).said) == 50


def test_only_markup_is_taken_for_markup() -> None:
    inner = element("b", "<i>")
    assert element("p", inner, "<i>").html == "<p><b>&lt;i&gt;</b>&lt;i&gt;</p>"
    assert joined(("<", Markup("<hr>"))).html == "&lt;<hr>"


@pytest.mark.parametrize(
    ("made", "html"),
    [
        (element("td", class_="a", data_cause=3), '<td class="a" data-cause="3"></td>'),
        (element("form", hidden=True), "<form hidden></form>"),
        (element("form", hidden=False), "<form></form>"),
        (element("meta", name="a"), '<meta name="a">'),
        (element("rect", width=1 / 3), '<rect width="0.3333"></rect>'),
    ],
)
def test_attributes_are_written_as_html_has_them(made: Markup, html: str) -> None:
    assert made.html == html


@pytest.mark.parametrize("name", ["p onclick=x", "", "p>", "script", "style"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no name|takes no"):
        element(name, "x")


def test_an_element_without_content_takes_none() -> None:
    with pytest.raises(ValueError, match="takes no"):
        element("input", "x")


def test_a_name_of_an_attribute_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no name"):
        element("p", **{"a b": "c"})


@pytest.mark.parametrize("code", ["a</script>b", "<!-- a"])
def test_code_that_would_end_its_element_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="cannot be embedded"):
        embedded("script", code)
    with pytest.raises(ValueError, match="cannot be embedded"):
        embedded("p", "a")
