"""What a run's end looks like on a terminal."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.model import RowRef, Status
from jobs.reasons import REASONS
from worker.journal import RowOutcome
from worker.reports import Requests, Summary, render_summary
from worker.reports.outcome import needs_action
from worker.reports.summary import MAX_GROUPS, Causes, Tally

RUN = Path("runs/sheet-1")


Result = tuple[RowRef, RowOutcome]


def summary_of(results: list[Result], state: str = "finished", message: str = "") -> Summary:
    tally, causes = Tally(), Causes()
    for ref, fate in results:
        tally.add({fate: 1})
        if needs_action(fate):
            causes.add(ref, fate)
    return Summary(
        state=state,
        exit_status=0,
        sha256="",
        rows=tally.rows,
        counts=tally.counts,
        requests=Requests(),
        refused_429=0,
        started_at="",
        elapsed_s=0.0,
        message=message,
        groups=causes.groups(),
        rerouted=tally.rerouted,
        resent=tally.resent,
        damaged=tally.damaged,
        refeed=("--url", "https://shop.example", "--type", "transactions"),
    )


def result(row: int, reason: str = "", message: str = "", fields: tuple[str, ...] = ()) -> Result:
    status = REASONS[reason].status if reason else Status.APPLIED
    return RowRef(row, row + 1, b""), RowOutcome(status, reason, message, fields)


def test_when_all_is_well_there_is_nothing_to_do() -> None:
    assert render_summary(summary_of([result(row) for row in range(1, 1201)]), RUN) == (
        "1,200 rows: 1,200 applied.\n\nResults: runs/sheet-1/results.csv"
    )


@pytest.mark.parametrize("reason", ["not_reached", "server_error"])
def test_a_night_is_gone_on_with_by_its_job(reason: str) -> None:
    night = replace(summary_of([result(1), result(2, reason)]), job="rowpatch reconcile prices.toml")
    shown = render_summary(night, RUN)
    assert shown.splitlines()[-1] == "Next:    rowpatch reconcile prices.toml"
    assert "rowpatch re" not in shown.replace("rowpatch reconcile", "")


def test_failures_are_told_by_cause_with_an_example_and_a_remedy() -> None:
    results = [
        result(1),
        result(2, "not_found"),
        *(result(row, "validation", f"too small {row}", ("amount",)) for row in range(3, 1006)),
        result(2000, "validation", "", ("reference",)),
    ]
    assert render_summary(summary_of(results), RUN) == (
        "1,006 rows: 1 applied, 1,005 rejected.\n"
        "\n"
        "1,005 failures = 3 causes\n"
        "  1,003 x validation [amount]: The API refused these values.\n"
        "    e.g. row 3, line 4: too small 3\n"
        "    -> Correct the cells in the failed file, then apply that.\n"
        "  1 x not_found: No such record: it is missing, or outside what the credential\n"
        "    may see.\n"
        "    e.g. row 2, line 3\n"
        "    -> Check the id (upper and lower case matter), the type and the account.\n"
        "  1 x validation [reference]: The API refused these values.\n"
        "    e.g. row 2,000, line 2,001\n"
        "\n"
        "Results: runs/sheet-1/results.csv\n"
        "Failed:  runs/sheet-1/failed.csv\n"
        "Next:    mend runs/sheet-1/failed.csv, then\n"
        "         rowpatch apply runs/sheet-1/failed.csv --url https://shop.example --type transactions\n"
        "    or:  rowpatch retry runs/sheet-1"
    )


@pytest.mark.parametrize(
    ("reasons", "state", "commands"),
    [
        ([""], "finished", []),
        (["comment", "beyond_limit"], "finished", []),
        # what was not reached comes first; what failed is told again then
        (["not_reached", "locked"], "stopped", ["resume"]),
        # a killed process may have left anything
        ([""], "killed", ["resume"]),
        (["interrupted"], "interrupted", ["resume"]),
        # a stop after the last row leaves nothing to resume
        (["unreachable"], "stopped", ["retry"]),
        (["timed_out"], "finished", ["retry"]),
        # held back behind an unknown row: resuming would hold it back again
        (["timed_out", "after_unknown"], "finished", ["retry"]),
        # sending an invalid row again as it is would be pointless
        (["id_missing"], "finished", ["apply"]),
        (["locked"], "finished", ["retry", "apply"]),
    ],
)
def test_the_next_command_fits_what_is_left_to_do(reasons: list[str], state: str, commands: list[str]) -> None:
    text = render_summary(summary_of([result(row, reason) for row, reason in enumerate(reasons, 1)], state), RUN)
    assert [word for word in ("resume", "retry", "apply") if f"rowpatch {word} runs/sheet-1" in text] == commands


def test_after_values_were_lost_the_run_is_to_be_undone_and_not_to_be_resumed() -> None:
    """A resume would take more values; the description is wrong."""
    results = [result(1), result(2, "values_lost"), result(3, "locked"), result(4, "not_reached")]
    message = "values_lost: row 2: `size.height` (was 7) was not sent and gone now"
    text = render_summary(summary_of(results, "stopped", message), RUN)
    assert "Values are gone from 1 record: undo the run, then correct the description." in text
    assert text.endswith("Next:    rowpatch undo runs/sheet-1")


@pytest.mark.parametrize(
    ("state", "message", "line"),
    [
        ("stopped", "outage: 20 rows in a row", "The run was stopped: outage: 20 rows in a row"),
        ("interrupted", "interrupted", "The run was interrupted."),
        ("killed", "", "The run was killed."),
        ("finished", "in test mode", "in test mode"),
    ],
)
def test_it_says_how_the_run_ended(state: str, message: str, line: str) -> None:
    assert line in render_summary(summary_of([result(1)], state, message), RUN).splitlines()


def test_rows_that_took_another_way_are_counted() -> None:
    said = "sent to captures: transactions itself is not updatable"
    text = render_summary(
        summary_of([result(1, "concrete_type", said), result(2, "concrete_type", said), result(3, "resent")]), RUN
    )
    assert f"2 rows {said}\n" in text
    assert "1 row sent again after an attempt without a trustworthy reply.\n" in text


def test_advice_is_given_once_and_the_servers_words_are_not_cut_at_the_first_line() -> None:
    said = "422: name: must not contain digits, nor anything else that could be taken for a number by the till"
    text = render_summary(summary_of([result(row, "validation", said, (f"f{row}",)) for row in (1, 2, 3)]), RUN)
    assert text.count("Correct the cells") == 1
    assert " ".join(text.split()).count(said) == 3


def test_more_causes_than_fit_are_counted() -> None:
    results = [result(row, "validation", fields=(f"f{row}",)) for row in range(1, 6)]
    assert "5 failures = 5 causes\n" in render_summary(summary_of(results), RUN)
    assert "and 2 more causes for 2 rows: see failed.csv\n" in render_summary(summary_of(results), RUN)


def test_a_summary_does_not_grow_with_the_number_of_causes() -> None:
    causes = [result(row, "validation", fields=(f"f{row}",)) for row in range(1, 1001)]
    summary = summary_of(causes + [result(row, "concrete_type", f"sent to {row}") for row in range(1001, 2001)])
    assert len(summary.groups) <= MAX_GROUPS + 1
    assert sum(group.count for group in summary.groups) == 1000
    assert summary.groups[0].fields == ()
    assert len(summary.rerouted) <= MAX_GROUPS + 1
    assert sum(summary.rerouted.values()) == 1000


def test_counts_sum_to_the_rows() -> None:
    results = [result(row, reason) for row, reason in enumerate(REASONS, 1)]
    summary = summary_of(results)
    assert sum(summary.counts.values()) == summary.rows == len(results)
    assert list(summary.counts) == list(Status)


def test_the_worst_ending_still_fits_on_a_screen() -> None:
    results = [result(row, reason, "m" * 300, ("field",)) for row, reason in enumerate(REASONS, 1)]
    lines = render_summary(summary_of(results, "stopped", "why " * 20), RUN).splitlines()
    assert len(lines) <= 31
    assert all(len(line) <= 80 for line in lines if "rowpatch" not in line)


def test_a_directory_with_odd_characters_is_quoted_for_the_shell() -> None:
    text = render_summary(summary_of([result(1, "timed_out")]), Path("runs/my sheet"))
    assert "rowpatch retry 'runs/my sheet'" in text.splitlines()[-1]


@given(st.text(), st.text())
def test_no_text_of_the_servers_reaches_the_terminal_raw(message: str, field: str) -> None:
    text = render_summary(
        summary_of(
            [result(1, "validation", message, (field,)), result(2, "concrete_type", message)], "stopped", message
        ),
        RUN,
    )
    assert all(each == "\n" or each.isprintable() or each in "\u200c\u200d" for each in text)


@pytest.mark.parametrize(
    ("reason", "api", "resumes", "anew"),
    [
        ("locked", "runs/sheet-1/api.toml", True, True),
        ("not_as_described", "runs/sheet-1/api.toml", False, True),
        ("locked", "github", True, False),
    ],
)
def test_a_run_that_was_stopped_may_go_on_by_another_description(
    reason: str, api: str, resumes: bool, anew: bool
) -> None:
    summary = summary_of([result(1, "not_reached"), result(2, reason)], "stopped")
    text = render_summary(replace(summary, refeed=("--api", api, "--type", "bikes")), RUN)
    assert ("rowpatch resume runs/sheet-1" in text) == resumes
    assert ("rowpatch apply runs/sheet-1/results.csv --api API.toml --type bikes" in text) == anew
