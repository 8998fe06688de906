"""The sections at the top of the page: the outcome, what to do next, and why."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from jobs.reasons import REASONS
from jobs.texts import counted
from worker.reports.page import charts
from worker.reports.page.elements import Content, Markup, element, joined, text
from worker.reports.page.frame import LINE, section, subject
from worker.reports.page.gathering import Told
from worker.reports.page.wording import NAMES, figures, outcome, tone
from worker.reports.page.words import period, span
from worker.reports.steps import Step, next_steps
from worker.reports.summary import Group
from worker.reports.telling import remarks, reroutes

CAUSES: Final = 25
"""Causes that are shown, the largest first."""

COMMAND: Final = 1_000
"""Characters of a command: a cut one would do something else."""


def header(told: Told) -> Markup:
    """Return the outcome in one sentence and in numbers."""
    summary, processes = told.summary, told.processes
    when = period(processes[0].started_at, max(each.last_at for each in processes)) if processes else ""
    message = summary.message if summary.message not in {"", summary.state} else ""
    type_name = f" ({told.settings.target.type})" if told.settings.target.type else ""
    said = [element("li", text(each)) for each in islice(chain(remarks(summary), reroutes(summary)), 10)]
    return element(
        "header",
        element("p", "rowpatch: report of a run", class_="brand"),
        element("h1", outcome(summary), id="result"),
        element("p", text(message), class_="message") if message else "",
        element(
            "p",
            element("bdi", text(subject(told), LINE), class_="strong"),
            " to ",
            element("bdi", text(told.settings.target.url + type_name, LINE)),
            f". {when}{_took(told)}." if when else ".",
            class_="lead",
        ),
        _counts(told),
        element("ul", *said, class_="remarks") if said else "",
        class_=tone(summary),
    )


def _took(told: Told) -> str:
    seconds = told.summary.elapsed_s
    return f", {span(seconds)} of work" if seconds >= 1 else ""


def _counts(told: Told) -> Markup:
    parts = figures(told.summary)
    tiles = [
        element(
            "li",
            element("strong", f"{count:,}"),
            element("span", NAMES[status][0], class_="name"),
            element("span", f"{part}. {NAMES[status][1]}", class_="hint"),
            class_=status.value,
        )
        for status, count, part in parts
    ]
    drawn = [(status.value, count, f"{count:,} {NAMES[status][0]}") for status, count, _ in parts]
    return joined((charts.shares(drawn), element("ul", *tiles, class_="tiles")))


def steps_shown(told: Told) -> Markup:
    """Return the commands to type next; an empty text if there is nothing to do."""
    steps = list(next_steps(told.summary, told.directory))
    if not steps:
        return joined(())
    items = [element("li", *_step(step)) for step in steps]
    return section("next", "What to do next", element("ol", *items, class_="steps"))


def _step(step: Step) -> Iterator[Markup]:
    if step.before:
        before = step.before.replace("\n", " ")
        yield element("p", text(before[:1].upper() + before[1:] + ":", COMMAND))
    yield element("pre", element("code", text(step.command, COMMAND)), tabindex=0)


def causes(told: Told) -> Markup:
    """Return why rows need attention, cause by cause; an empty text if none does."""
    groups = told.summary.groups
    if not groups:
        return joined(())
    steps = list(next_steps(told.summary, told.directory))
    cards = [_cause(group, at, steps) for at, group in enumerate(groups[:CAUSES])]
    left = groups[CAUSES:]
    rest = f"{counted(len(left), 'more cause')} for {counted(sum(each.count for each in left), 'row')}"
    more = element("p", f"{rest}: see the rows below, or {told.summary.failed_name}.") if left else ""
    return section("causes", "Why", element("ol", *cards, class_="causes"), more)


def _cause(group: Group, at: int, steps: list[Step]) -> Markup:
    known = REASONS.get(group.reason)
    meaning = known.meaning if known else ""
    said = group.message if group.message != meaning else ""
    step = next((each for each in steps if group.status in each.helps), steps[0] if steps else None)
    about: list[Content] = [element("bdi", text(name, 60), class_="chip") for name in group.fields[:5]]
    about += ["and others"] if len(group.fields) > 5 else []
    return element(
        "li",
        element(
            "p", element("strong", f"{group.count:,}"), f" {'row' if group.count == 1 else 'rows'}", class_="number"
        ),
        element(
            "div",
            element("h3", text(meaning or group.reason)),
            element("p", _badge(group), " ", element("code", group.reason), " ", *_spaced(about)),
            element("p", f"For example row {group.row:,}, ", text(group.place, LINE), _colon(said), class_="example"),
            element("p", element("strong", "What to do: "), text(known.action)) if known and known.action else "",
            element("p", "Then: ", element("code", text(step.command, COMMAND)), class_="then") if step else "",
            element("p", element("a", "Show such rows", href="#rows", data_cause=at)),
        ),
        class_=group.status.value,
    )


def _badge(group: Group) -> Markup:
    return element("span", NAMES[group.status][0], class_=f"badge {group.status}")


def _spaced(parts: list[Content]) -> Iterator[Content]:
    for part in parts:
        yield part
        yield " "


def _colon(said: str) -> Markup:
    return joined((": ", element("bdi", text(said), class_="said"))) if said else joined(())
