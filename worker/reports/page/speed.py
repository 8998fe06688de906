"""The sections about time: how fast a run went, and how long the API took."""

from collections.abc import Iterator

from jobs.texts import counted
from worker.reports.page import charts
from worker.reports.page.delays import EDGES, Delays
from worker.reports.page.elements import Markup, element, joined
from worker.reports.page.frame import section
from worker.reports.page.timeline import Timeline
from worker.reports.page.words import clock, rate, share, span


def course(timeline: Timeline, refused: int) -> Markup:
    """Return how many updates were sent when; an empty text if none was. `refused`: replies that asked to slow down."""
    bars = list(timeline.bars)
    sent = sum(bar.attempts for bar in bars)
    if not sent:
        return joined(())
    peak = max(bars, key=lambda bar: bar.rate)
    facts = [f"{counted(sent, 'update')} sent; {rate(peak.rate)} at most, at {clock(peak.at)} UTC."]
    facts += [_limits(timeline)]
    again = sum(bar.again for bar in bars)
    facts += [f"{again:,} of them were not the last try of their row."] if again else []
    facts += list(_brakes(timeline, refused))
    facts += [f"{counted(timeline.omitted, 'earlier command')} not shown."] if timeline.omitted else []
    picture = (
        element(
            "figure",
            element("p", rate(charts.highest(timeline)), class_="axis"),
            charts.course(timeline),
            element("p", *_ends(timeline), class_="axis ends"),
            _legend(timeline),
        )
        if len(bars) > 2
        else ""
    )
    return section(
        "course", "How fast it went", element("p", *(part for fact in facts for part in (fact, " "))), picture
    )


def _limits(timeline: Timeline) -> str:
    if not timeline.windows:
        return "No limit of the API is on record."
    named = [f"{limit:,} in {span(interval)}" for limit, interval in timeline.windows[:6]]
    return f"The limits that held: {' and '.join(named)}."


def _brakes(timeline: Timeline, refused: int) -> Iterator[str]:
    paused = sum(bar.paused_s for bar in timeline.bars)
    if refused:
        yield f"The API refused {counted(refused, 'request')} to slow us down; such requests are sent again later."
    if paused:
        yield f"Nothing was to be sent for {span(paused)}, since the API had asked to wait or was down."


def _ends(timeline: Timeline) -> Iterator[Markup]:
    for stretch in timeline.stretches[:4]:
        yield element("span", f"{clock(stretch.bars[0].at)} {stretch.process.command}")
    last = timeline.stretches[-1].bars[-1]
    yield element("span", clock(last.at + last.length))


def _legend(timeline: Timeline) -> Markup:
    known = [("sent", "updates sent")]
    if any(bar.again for bar in timeline.bars):
        known.append(("again", "of these, not the last try of a row"))
    if any(bar.quota is not None for bar in timeline.bars):
        known.append(("quota", "the most that the limits allow"))
    if charts.has_strips(timeline):
        known += [("refused", "refused, to slow down"), ("paused", "paused")]
    items = [element("li", element("span", class_=f"key {kind}"), said) for kind, said in known]
    return element("ul", *items, class_="legend")


def delays_shown(delays: Delays | None) -> Markup:
    """Return how long updates took; an empty text if none was answered."""
    if delays is None:
        return joined(())
    rows = [each for each in enumerate(delays.classes) if each[1]]
    first, last = rows[0][0], rows[-1][0]
    most = max(delays.classes)
    body = [
        element(
            "tr",
            element("th", _class(at), scope="row"),
            element("td", charts.level(delays.classes[at], most)),
            element("td", share(delays.classes[at], delays.rows)),
        )
        for at in range(first, last + 1)
    ]
    heads = [element("th", name, scope="col") for name in ("Time", "", "Rows")]
    heads[1] = element("td", "")
    sample = f"Looked at: {delays.rows:,} rows, evenly over the sheet. " if delays.is_sample else ""
    said = (
        f"{sample}Half of the updates took {span(delays.median)} or less, 95 of 100 took {span(delays.most_s)} or less;"
        f" the longest took {span(delays.longest)}. That is the time from sending an update to knowing its result."
    )
    caption = element("caption", "Share of the updates by the time they took", class_="unseen")
    table = element("table", caption, element("thead", element("tr", *heads)), element("tbody", *body), class_="bars")
    return section("delays", "How long the API took", element("p", said), table)


def _class(at: int) -> str:
    low, high = EDGES[at], EDGES[at + 1]
    if not low:
        return f"under {span(high)}"
    return f"{span(low)} or more" if high == EDGES[-1] else f"{span(low)} to {span(high)}"
