"""`make hunt NAME=pages`: pages of runs in a real Chromium: silent, asking nobody, usable, readable, harmless, quick.

    python -m tests.system.pages [--rows N] [--pictures FOLDER]

Every page is opened from its file and looked at in light, in dark, on a phone and as on paper; axe, from npm, judges
each. `--pictures` keeps what the browser showed.
"""

import argparse
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.system.pages import runs
from tests.system.pages.browser import ENTER, TAB, Browser, browser
from worker.reports.page.document import MOST_BYTES

MOST_S: Final = 2.0
"""Seconds in which a page has to be there, whatever it is about."""

AXE: Final = "axe-core@4"

LOOKS: Final = {
    "light": (1200, 900, "", "light"),
    "dark": (1200, 900, "", "dark"),
    "phone": (390, 844, "", "light"),
    "print": (800, 1100, "print", "light"),
}
"""Width and height in pixels, medium, and the colours that somebody prefers."""

_JUDGED: Final = """
    const done = arguments[arguments.length - 1];
    axe.run(document, {resultTypes: ['violations']}).then(
        (found) => done(found.violations.map((each) => each.id + ': ' + each.nodes.slice(0, 3).map(
            (node) => node.target.join(' ') + ' ' + (node.any[0] ? node.any[0].message : '')).join('; '))),
        (error) => done([String(error)]));
"""
_SHOWN: Final = "return [...document.querySelectorAll('#rows-table tbody tr')].filter((row) => !row.hidden).length"
_FIRST: Final = "return document.querySelector('#rows-table tbody tr td').textContent"
_FOCUS: Final = "return document.activeElement.id || document.activeElement.textContent"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pictures", type=lambda text: Path(text) if text else None)
    options = parser.parse_args()
    stories = {
        "fine": runs.fine(), "failing": runs.failing(), "stopped": runs.stopped(), "hostile": runs.hostile(),
        "large": runs.failing(options.rows),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        axe = _axe(folder)
        for name, story in stories.items():
            runs.make(story, folder / name)
        with browser(folder) as page:
            found = [each for name in stories for each in judged(page, folder / name, name, axe, options.pictures)]
    for each in found:
        print(each)
    print(f"{len(stories)} pages, {len(LOOKS)} looks of each: {len(found)} complaints")
    return 1 if found else 0


def judged(page: Browser, directory: Path, name: str, axe: str, pictures: Path | None) -> Iterator[str]:
    """Yield what is wrong with a page."""
    path = directory / "report.html"
    look_at(page, "light")
    page.log("browser")
    page.requests()
    took, size = page.open(path), path.stat().st_size
    print(f"{name}: {size:,} bytes, there after {took:.2f} s", flush=True)
    if took > MOST_S:
        yield f"{name}: it takes {took:.1f} s to open"
    if size > MOST_BYTES:
        yield f"{name}: it has {size:,} bytes"
    yield from (f"{name}: {each}" for each in used(page))
    for look in LOOKS:
        look_at(page, look)
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            page.picture(pictures / f"{name}-{look}.png")
        if page.run("return document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            yield f"{name}, {look}: it is wider than the screen"
        page.run(axe)
        yield from (f"{name}, {look}: {each}" for each in page.wait(_JUDGED))
    if page.run("return document.title").startswith("broken") or page.run("return window.broken === true"):
        yield f"{name}: a cell has run as a script"
    if handlers := page.run(
        "return [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some("
        "(a) => a.name.startsWith('on') || ['src', 'style', 'action'].includes(a.name))).length"
    ):
        yield f"{name}: {handlers} elements have attributes that no page of ours has"
    yield from (f"{name}: the console says {each['message']}" for each in page.log("browser"))
    asked = [each for each in page.requests() if each != path.resolve().as_uri()]
    yield from (f"{name}: it asks for {each}" for each in asked)


def look_at(page: Browser, look: str) -> None:
    """Show the page in one of the looks."""
    width, height, medium, colours = LOOKS[look]
    page.size(width, height)
    page.media(medium, prefers_color_scheme=colours)


def used(page: Browser) -> Iterator[str]:
    """Yield what does not work for somebody who has only a keyboard."""
    every = page.run(_SHOWN)
    page.press(TAB)
    if page.run(_FOCUS) != "Skip to the result":
        yield f"the first tab goes to {page.run(_FOCUS)}"
    if not every:
        return
    page.run("document.getElementById('search').focus()")
    page.press(*page.run(_FIRST))
    if not 0 < page.run(_SHOWN) <= every:
        yield "the search finds nothing"
    if f"of {every:,} rows shown" not in page.run("return document.getElementById('shown').textContent"):
        yield "nobody is told how many rows are shown"
    page.run("document.getElementById('reset').focus()")
    page.press(ENTER)
    if page.wait("setTimeout(arguments[0], 50)") is None and page.run(_SHOWN) != every:
        yield "not all rows come back"
    page.run("document.querySelector('#rows-table th button').focus()")
    page.press(ENTER)
    if page.run("return document.querySelector('#rows-table th').ariaSort") != "descending":
        yield "the table is not sorted by its first column, downwards"
    numbers = page.run(
        "return [...document.querySelectorAll('#rows-table tbody tr td:first-child')].map("
        "(cell) => Number(cell.textContent.replaceAll(',', '')))"
    )
    if numbers != sorted(numbers, reverse=True):
        yield "the rows are not in the order of the sorted column"
    page.press(TAB)
    if page.run(_FOCUS) != "Record":
        yield f"the tab after the first heading goes to {page.run(_FOCUS)}"
    page.run("document.querySelector('a[data-cause]').click()")
    causes = page.run(
        "return [...new Set([...document.querySelectorAll('#rows-table tbody tr')].filter((row) => !row.hidden)"
        ".map((row) => row.dataset.cause))]"
    )
    if causes != ["0"]:
        yield f"the link of the first cause shows rows of the causes {causes}"
    page.run("document.getElementById('reset').click()")


def _axe(folder: Path) -> str:
    """Return the script of axe, as npm has it."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.split()[-1]
    with tarfile.open(folder / packed) as archive:
        script = archive.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


if __name__ == "__main__":
    sys.exit(main())
