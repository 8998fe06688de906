"""Pictures as SVG, written by ourselves: three shapes of rectangles need no library, no script and no network.

A picture stretches with the page, so that no text stands in it: its words stand beside it as HTML. Colours come from
classes, since the page allows no style of an element.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.reports.page.elements import Markup, element, joined
from worker.reports.page.timeline import Bar, Timeline
from worker.reports.page.words import clock, rate, span

WIDTH: Final = 1000.0
HEIGHT: Final = 200.0
STRIP: Final = 12.0
"""Height of the strips below the bars, one for refusals and one for pauses."""

GAP: Final = 10.0
"""Room between two processes."""


def shares(parts: Sequence[tuple[str, int, str]]) -> Markup:
    """Draw a bar of parts, each as wide as its number of rows: (class, rows, what it is)."""
    total, at, drawn = sum(rows for _, rows, _ in parts) or 1, 0.0, []
    for kind, rows, what in parts:
        width = 100 * rows / total
        if rows:
            shown = max(width, 0.4)  # one row of a million is still to be seen
            drawn.append(_box(at, 0, shown, 10, kind, what))
        at += width
    return _picture(100, 10, "shares", drawn)


def level(part: float, whole: float, kind: str = "level") -> Markup:
    """Draw how much of a whole a part is. It only repeats a number beside it."""
    width = 100 * part / whole if whole else 0.0
    return element(
        "svg", _box(0, 0, max(width, 0.5) if part else 0, 8, kind), viewBox="0 0 100 8", preserveAspectRatio="none",
        class_="level", aria_hidden="true",
    )  # fmt: skip


def course(timeline: Timeline) -> Markup:
    """Draw the updates of a run over time: bars, a line for the limits, strips for refusals and pauses."""
    placed = [*_placed(timeline)]
    top = max([0.001, *(bar.rate for bar in timeline.bars), *(bar.quota or 0 for bar in timeline.bars)]) * 1.05
    refused = max([1, *(bar.refused for bar in timeline.bars)])
    drawn = [_grid(HEIGHT * part) for part in (0.0, 0.5, 1.0)]
    for bar, at, width in placed:
        drawn += _bar(bar, at, width, HEIGHT / top)
        drawn += _strips(bar, at, width, refused)
    drawn += [*_limits(placed, HEIGHT / top)]
    height = HEIGHT + (2 * STRIP + 8 if has_strips(timeline) else 0)
    return _picture(WIDTH, height, "course", drawn)


def has_strips(timeline: Timeline) -> bool:
    """Return whether anything was refused or paused."""
    return any(bar.refused or bar.paused_s for bar in timeline.bars)


def highest(timeline: Timeline) -> float:
    """Return the highest rate that the picture has room for, in updates a second."""
    return max([0.0, *(bar.rate for bar in timeline.bars), *(bar.quota or 0 for bar in timeline.bars)])


def _placed(timeline: Timeline) -> Iterator[tuple[Bar, float, float]]:
    """Yield every bar with where it begins and how wide it is, in units of the picture."""
    total = sum(bar.length for bar in timeline.bars) or 1.0
    scale, at = (WIDTH - GAP * (len(timeline.stretches) - 1)) / total, 0.0
    for stretch in timeline.stretches:
        for bar in stretch.bars:
            yield bar, at, bar.length * scale
            at += bar.length * scale
        at += GAP


def _bar(bar: Bar, at: float, width: float, scale: float) -> Iterator[Markup]:
    if not bar.attempts:
        return
    room = min(1.5, width / 4)
    again = f", {bar.again:,} of them not the last try of their row" if bar.again else ""
    what = f"{clock(bar.at)} to {clock(bar.at + bar.length)}: {bar.attempts:,} updates, {rate(bar.rate)}{again}"
    height, upper = bar.rate * scale, bar.rate * scale * bar.again / bar.attempts
    yield _box(at, HEIGHT - height, width - room, height, "sent", what)
    if upper:
        yield _box(at, HEIGHT - height, width - room, upper, "again", what)


def _strips(bar: Bar, at: float, width: float, refused: int) -> Iterator[Markup]:
    if bar.refused:
        height = max(2.0, STRIP * bar.refused / refused)
        what = f"{clock(bar.at)}: {bar.refused:,} refused, to slow down"
        yield _box(at, HEIGHT + 4 + STRIP - height, width, height, "refused", what)
    if bar.paused_s:
        part = min(1.0, bar.paused_s / bar.length)
        what = f"{clock(bar.at)}: paused for {span(bar.paused_s)} of {span(bar.length)}"
        yield _box(at, HEIGHT + 8 + STRIP, max(1.5, width * part), STRIP, "paused", what)


def _limits(placed: Sequence[tuple[Bar, float, float]], scale: float) -> Iterator[Markup]:
    for bar, at, width in placed:
        if bar.quota is not None:
            height = HEIGHT - bar.quota * scale
            yield element("line", x1=at, x2=at + width, y1=height, y2=height, class_="quota")


def _grid(height: float) -> Markup:
    return element("line", x1=0, x2=int(WIDTH), y1=height, y2=height, class_="grid")


def _box(at: float, top: float, width: float, height: float, kind: str, what: str = "") -> Markup:
    named = (element("title", what),) if what else ()
    return element("rect", *named, x=at, y=top, width=width, height=height, class_=kind)


def _picture(width: float, height: float, kind: str, drawn: Sequence[Markup]) -> Markup:
    """Return a picture that only repeats what words and tables beside it say."""
    return element(
        "svg", joined(drawn), viewBox=f"0 0 {width:g} {height:g}", preserveAspectRatio="none", class_=kind,
        aria_hidden="true",
    )  # fmt: skip
