"""The sections that account for a run: who did what with which settings, and what proves the page."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from worker.files import api_copy, night_facts
from worker.journal import VERSION, WHO
from worker.reports.page.elements import Markup, element, text
from worker.reports.page.frame import LINE, scrolling, section, subject
from worker.reports.page.gathering import Told
from worker.reports.page.words import moment, span

PROCESSES: Final = 12
"""Commands that are listed, the last ones."""


def facts(told: Told) -> Markup:
    """Return who did what, when and with which settings."""
    return section(
        "facts", "About this run", element("dl", *_pairs(_run_facts(told))), _commands(told),
        element("h3", "Settings"), element("dl", *_pairs(_settings(told)), class_="small"),
    )  # fmt: skip


def _run_facts(told: Told) -> Iterator[tuple[str, str]]:
    known, target, requests = told.facts, told.settings.target, told.summary.requests
    yield "Started by", known.get(WHO, "") or "not recorded"
    yield "Sheet", subject(told)
    yield "Rows", f"{told.summary.rows:,}"
    yield "API", f"{target.api or 'commercelayer'}, {target.url}"
    yield "Type of records", target.type or "named by each row"
    if api_copy.RECIPE_PATH in known:
        yield "Recipe", PurePath(known[api_copy.RECIPE_PATH]).name
    if night_facts.NIGHT in known:
        yield "Night", f"number {known[night_facts.NIGHT]} of its job"
    yield "Requests", f"{requests.patch:,} updates, {requests.get:,} reads, {requests.token:,} for tokens"
    if told.summary.longest_gap_s is not None:
        yield "Longest time from reading a record to updating it", span(told.summary.longest_gap_s)
    yield "Version of rowpatch", known.get(VERSION, "") or "not recorded"
    yield "Run directory", str(told.directory)


def _settings(told: Told) -> Iterator[tuple[str, str]]:
    """Yield every setting but what a recipe makes of columns. Secrets are no settings: none can be among them."""
    written = told.settings.model_dump(mode="json", exclude={"input": {"view", "source"}})
    for group, values in written.items():
        for name, value in values.items():
            if value not in ("", None, [], {}):
                yield f"{group}.{name}", {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _pairs(known: Iterator[tuple[str, str]]) -> Iterator[Markup]:
    for name, value in known:
        yield element("div", element("dt", text(name, LINE)), element("dd", element("bdi", text(value, LINE))))


def _commands(told: Told) -> Markup:
    heads = [element("th", name, scope="col") for name in ("Command", "From", "To", "How it ended")]
    body = [
        element(
            "tr",
            element("td", text(each.command, 60)),
            element("td", moment(each.started_at, seconds=True)),
            element("td", moment(each.last_at, seconds=True)),
            element("td", _ended(each.state, each.exit_status)),
        )
        for each in told.processes[-PROCESSES:]
    ]
    caption = element("caption", "Commands that worked on this run")
    return scrolling(
        element("table", caption, element("thead", element("tr", *heads)), element("tbody", *body)), "Commands"
    )


def _ended(state: str, status: int | None) -> str:
    return "cut off, without a word" if status is None else f"{state}, exit status {status}"


def proof(told: Told) -> Markup:
    """Return what shows that the counts, the journal and the sheet agree."""
    summary, seen = told.summary, told.proof
    total = sum(summary.counts.values())
    compared = (
        f"the journal has {seen.results:,} results; each was compared with the content of its row, by a hash, as this"
        f" page was made; {total - seen.results:,} rows have none yet"
    )
    hashes = f"SHA-256 of the file as given {summary.sha256}, of its copy beside this page {seen.sha256_now}"
    added = f"the sheet has {seen.rows_read:,} rows, and the statuses above add up to {total:,}"
    checks = [
        (total == seen.rows_read, "Every row has one status", added),
        (seen.results <= total, "Every result is about a row of this sheet", compared),
        (seen.sha256_now == summary.sha256, "The sheet is the one that was given", hashes),
    ]
    items = [
        element(
            "li",
            element("strong", "Agrees. " if is_true else "Does not agree. "),
            f"{claim}: ", text(why), ".",
            class_="right" if is_true else "wrong",
        )
        for is_true, claim, why in checks
    ]  # fmt: skip
    return section(
        "proof", "Why this page can be trusted", element("ul", *items, class_="proof"),
        element("p", "To check it yourself: ", element("code", "sha256sum"), " of the sheet, and ",
                element("code", f"rowpatch report {told.directory}"), ", which makes this page anew from the journal."),
    )  # fmt: skip
