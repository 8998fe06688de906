"""What the sections of the page have in common."""

from pathlib import PurePath
from typing import Final

from worker.reports.page.elements import Content, Markup, element
from worker.reports.page.gathering import Told

LINE: Final = 160
"""Characters of a fact."""


def subject(told: Told) -> str:
    """Return what the page is about: the name of the sheet, without the folders that lead to it."""
    source = told.facts.get("source", "") or told.settings.input.source
    return "the sheet from standard input" if source == "-" else PurePath(source).name or source


def section(name: str, title: str, *content: Content) -> Markup:
    """Return a section of the page, with its title."""
    return element("section", element("h2", title), *content, id=name)


def scrolling(table: Markup, name: str) -> Markup:
    """Return a table that scrolls by itself where the page is narrow, by keyboard as well."""
    return element("div", table, class_="scroll", tabindex=0, role="region", aria_label=name)
