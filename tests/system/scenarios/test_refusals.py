"""Refusals that concern every row stop a run early; a lost token does not."""

import asyncio
import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jobs.model import Status
from tests.system.scenarios.doubtful_server import Act, World
from tests.system.scenarios.doubtful_server import play as apply
from tests.system.scenarios.harness import Case, Said, play, references, rehearse, sheet
from worker.sandbox import Sandbox, SandboxSettings
from worker.settings import Pacing, Stopping

IN_FLIGHT = 4
"""Requests in flight at most at a server that has accepted nothing yet, or as the user wants it."""

WORLD = SandboxSettings(seed=("stripe_payments=200",), limit=(600, 60.0), latency=0.024)


def errors(code: str, title: str = "Refused") -> dict[str, object]:
    return {"errors": [{"title": title, "detail": title, "code": code}]}


@pytest.mark.parametrize(
    ("status", "code", "rows", "reason"),
    [
        (401, "UNAUTHORIZED", 5, "not_authorized"),  # no permission, which is not a bad token
        (403, "FORBIDDEN", 5, "not_authorized"),
        (405, "METHOD_NOT_ALLOWED", 1, "not_updatable"),  # the type
        (406, "NOT_ACCEPTABLE", 1, "refused"),  # our headers
        (415, "UNSUPPORTED_MEDIA_TYPE", 1, "refused"),
        (404, "RECORD_NOT_FOUND", 20, "not_found"),  # a wrong account, or a wrong type
        (422, "VALIDATION_ERROR", 20, "validation"),  # a column that can never be right
        (301, "", 20, "redirected"),
    ],
)
def test_the_run_stops_with_3_after_so_many_rows(
    tmp_path: Path, status: int, code: str, rows: int, reason: str
) -> None:
    story, visits = rehearse(Case(references(100)), tmp_path, lambda _now, _data: Said(status, errors(code)))
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith(f"{reason}: ")
    assert rows <= len(visits) < rows + IN_FLIGHT
    assert story.counts == {Status.REJECTED: len(visits), Status.PENDING: 100 - len(visits)}
    assert {result.reason for result in story.results} == {reason}


def test_every_error_of_a_refusal_is_kept_and_leads_to_its_column(tmp_path: Path) -> None:
    """Several errors a row, by way of journal and reports; the header is the user's own spelling."""
    text = "id,attributes.reference,metadata.a.b:int,metadata.x/y,metadata.k;l\nxAyBzCwDvE,R,1,t,u\n"
    pointers = ("attributes/reference", "attributes/metadata/a.b", "attributes/metadata/x~1y/0",
                "attributes/metadata/k;l", "attributes/currency_code", "meta")  # fmt: skip
    said = {"errors": [{"detail": f"no {each}", "source": {"pointer": f"/data/{each}"}} for each in pointers]}
    rehearse(Case(text), tmp_path, lambda _now, _data: Said(422, said))
    columns = ["attributes.reference", "metadata.a.b:int", "metadata.x/y", "metadata.k;l", "currency_code"]
    line = json.loads((tmp_path / "run" / "results.ndjson").read_text())
    assert line["fields"] == columns
    assert [(error["field"], error["pointer"]) for error in line["errors"]] == [
        (column, f"/data/{pointer}") for column, pointer in zip([*columns, ""], pointers, strict=True)
    ]
    with (tmp_path / "run" / "results.csv").open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    assert row["__field"] == ";".join(columns)
    for pointer in pointers:
        assert f"no {pointer}" in row["__message"]


@pytest.mark.parametrize("status", [400, 422])
def test_rows_that_are_right_already_do_not_keep_a_run_going_that_the_api_refuses(tmp_path: Path, status: int) -> None:
    """As in a second run of a sheet, after its first rows were tried."""
    keys = [f"record{number:03}" for number in range(200)]
    refusal = json.dumps(errors("VALIDATION_ERROR", "No such field")).encode()
    world = World(lambda _, __: Act(status, refusal, None), {key: {"reference": "old"} for key in keys})
    world.store[keys[0]]["reference"] = world.store[keys[1]]["reference"] = "new"
    story = apply(Case(sheet({"id": key, "reference": "new"} for key in keys)), tmp_path, world)
    assert story.ended.exit_status == 3
    assert "20 rows in a row" in story.ended.message
    assert "No such field" in story.ended.message
    assert story.counts[Status.UNCHANGED] == 2
    assert 20 <= story.counts[Status.REJECTED] == len(world.patches) < 20 + IN_FLIGHT


def test_rows_that_are_refused_beside_others_that_succeed_stop_nothing(tmp_path: Path) -> None:
    keys = [f"record{number:03}" for number in range(100)]
    refusal = json.dumps(errors("VALIDATION_ERROR")).encode()
    begun: list[str] = []

    def script(_: int, attributes: Mapping[str, Any]) -> Act:
        begun.append(attributes["reference"])
        return Act() if len(begun) == 1 else Act(422, refusal, None)

    world = World(script, {key: {"reference": "old"} for key in keys})
    story = apply(Case(sheet({"id": key, "reference": "new"} for key in keys)), tmp_path, world)
    assert (story.ended.exit_status, story.counts) == (1, {Status.APPLIED: 1, Status.REJECTED: 99})


def test_missing_records_after_a_success_do_not_stop_the_run(tmp_path: Path) -> None:
    missing = errors("RECORD_NOT_FOUND")
    case = Case(references(60), pacing=Pacing(concurrency=IN_FLIGHT))
    story, _ = rehearse(case, tmp_path, lambda now, _: Said(404, missing) if now > 0.1 else Said())
    assert (story.ended.state, story.ended.exit_status) == ("finished", 1)
    assert sum(story.counts.values()) == 60
    assert story.counts[Status.REJECTED] > 20


def test_the_users_threshold_stops_the_run(tmp_path: Path) -> None:
    invalid = errors("VALIDATION_ERROR")
    case = Case(references(60), stopping=Stopping(rows=7, canary=0), pacing=Pacing(concurrency=IN_FLIGHT))
    story, visits = rehearse(case, tmp_path, lambda now, _: Said(422, invalid) if now > 0.1 else Said())
    assert story.ended.exit_status == 3
    assert [visit.status for visit in visits].count(422) < 7 + IN_FLIGHT


async def _expire_late(sandbox: Sandbox) -> None:
    await asyncio.sleep(2)
    sandbox.expire_token()


def test_a_token_that_expires_is_renewed_once_for_all(tmp_path: Path) -> None:
    story = play(Case(references(200)), tmp_path, WORLD, renewable=True, meanwhile=_expire_late)
    refused = [entry for entry in story.patches if entry.status == 401]
    assert story.counts == {Status.APPLIED: 200}
    assert 1 <= len(refused) <= 16
    assert [entry.status for entry in story.ledger if entry.method == "POST"] == [200]
    assert story.summary.requests.token == 1


def test_a_token_is_renewed_before_it_runs_out(tmp_path: Path) -> None:
    world = SandboxSettings(seed=("stripe_payments=200",), limit=(10, 60.0), latency=0.024, token_ttl=900.0)
    story = play(Case(references(200)), tmp_path, world, renewable=True)
    assert story.counts == {Status.APPLIED: 200}
    # the endpoint hands out the shared token, whatever is left of it, until it is over
    assert sum(entry.status == 401 for entry in story.patches) <= 1


def test_a_dead_credential_stops_the_run(tmp_path: Path) -> None:
    story = play(Case(references(200)), tmp_path, WORLD, meanwhile=_expire_late)
    refused = [entry for entry in story.patches if entry.status == 401]
    assert story.ended.exit_status == 3
    assert story.ended.message.startswith("authorisation_lost: ")
    assert set(story.counts) == {Status.APPLIED, Status.PENDING}
    assert 1 <= len(refused) <= 16
    assert [entry.applied for entry in story.patches].count(True) == story.counts[Status.APPLIED]
