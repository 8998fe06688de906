"""`rowpatch undo` and `rowpatch verify`: the real program, judged by what the server holds and by its ledger."""

import csv
import json
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.system.e2e.program import PATIENCE, Desk, Ran, Server, ended, sandbox, until
from tests.system.e2e.sandbox_thread import sandbox_in_thread, server_of
from worker.files.run_directory import locked
from worker.sandbox import SandboxSettings, seeded_id

TYPE = "orders"
ONE, TWO, THREE, FOUR, FIVE = IDS = [seeded_id(TYPE, index) for index in range(5)]
PAYMENT = seeded_id("stripe_payments", 0)
VIP, SALE = (seeded_id("tags", index) for index in range(2))

Record = dict[str, Any]

FURNISHED: dict[str, Record] = {
    ONE: {
        "attributes": {"reference": "old", "metadata": {"keep": 1, "batch": "b0", "count": 7, "none": None}},
        "relationships": {"tags": [VIP], "payment_source": ("stripe_payments", PAYMENT)},
    },
    TWO: {"attributes": {"reference": None, "metadata": {}}},
    THREE: {"attributes": {"reference": "r3", "metadata": {"x:int": 1, "": "empty"}}},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps([_resource(key, FURNISHED.get(key, {})) for key in IDS]), encoding="utf-8")
    with sandbox_in_thread(SandboxSettings(seed=(str(seed), "stripe_payments=2"), limit=None)) as served:
        yield server_of(served)


@pytest.fixture
def desk(tmp_path: Path, server: Server) -> Desk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder, server)


def _resource(key: str, parts: Record) -> Record:
    links = {name: {"data": _data(value)} for name, value in parts.get("relationships", {}).items()}
    return {"type": TYPE, "id": key, "attributes": parts.get("attributes", {}), "relationships": links}


def _data(value: Any) -> Any:
    if isinstance(value, list):
        return [{"type": "tags", "id": each} for each in value]
    return {"type": value[0], "id": value[1]}


def state(server: Server, *hidden: str) -> dict[str, Any]:
    """All that the server holds of the orders, but for its own time stamps."""
    with urllib.request.urlopen(f"{server.url}/_sandbox/resources?type={TYPE}", timeout=PATIENCE) as reply:
        found = json.load(reply)["resources"]
    for each in found:
        each.pop("_sandbox_triggers", None)
        for name in ("updated_at", *hidden):
            each["attributes"].pop(name, None)
    return {each["id"]: each for each in found}


def meddle(server: Server, key: str, **attributes: Any) -> None:
    """Somebody else changes a record."""
    body = json.dumps({"data": {"type": TYPE, "id": key, "attributes": attributes}}).encode()
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/vnd.api+json"}
    request = urllib.request.Request(f"{server.url}/api/{TYPE}/{key}", body, headers, method="PATCH")
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        assert reply.status == 200


def apply(desk: Desk, rows: Sequence[Mapping[str, Any]], *flags: str) -> Ran:
    """Apply NDJSON rows into the desk's run directory."""
    sheet = desk.folder / "sheet.ndjson"
    sheet.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    common = ("--type", TYPE, "--run-dir", desk.run, "--rate", "none", "--no-progress")
    return desk.rowpatch("apply", sheet, *common, *flags)


def undo(desk: Desk, run: str = "run", *flags: str | Path, into: str = "undo") -> Ran:
    return desk.rowpatch("undo", desk.folder / run, "--run-dir", desk.folder / into, "--no-progress", *flags)


def verify(desk: Desk, *flags: str) -> Ran:
    return desk.rowpatch("verify", desk.run, "--no-progress", *flags)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def statuses(desk: Desk, run: str = "undo") -> list[str]:
    return [row["__status"] for row in table(desk.folder / run / "results.csv")]


def sent(server: Server, mark: int) -> set[str]:
    """Methods of the requests since."""
    return {entry["method"] for entry in server.ledger(mark)}


# --- undo


EVERYTHING: list[dict[str, Any]] = [
    {"id": ONE, "reference": "new", "metadata.batch": None, "metadata.none": 5, "metadata.added:json": None},
    {"id": TWO, "reference": "new", "metadata": {"batch": [1, {"deep": True}]}},
    {"id": THREE, "metadata.x:int:str": "t", "metadata.:json": None, "expiration_info": {"a": 1}},
    {"id": ONE, "metadata.count:int": 8, "tags.add": ["sale"], "tags.remove": ["vip"], "payment_source": None},
    {"id": FOUR, "expiration_info": {"a": 1}},
    {"id": FOUR, "expiration_info.a:int": 2, "expiration_info.b": "two"},
    {"id": ONE, "reference": "newer", "tags.add": "tag1"},
]


def test_undo_puts_every_kind_of_value_back_with_one_update_a_record(desk: Desk) -> None:
    before = state(desk.server)
    assert apply(desk, EVERYTHING).status == 0
    assert all(state(desk.server)[key] != before[key] for key in (ONE, TWO, THREE, FOUR))
    mark = desk.server.mark()
    ran = undo(desk)
    assert (ran.status, ran.err) == (0, ran.err)
    assert f"{desk.folder}/undo/results.csv" in ran.out
    assert state(desk.server) == before
    assert len(desk.server.writes(mark)) == 4
    assert statuses(desk) == ["applied"] * 4


def test_keys_that_somebody_else_has_set_since_stay(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "metadata.batch": "b1"}])
    mine = state(desk.server)[ONE]["attributes"]["metadata"]
    meddle(desk.server, ONE, metadata={**mine, "theirs": True})
    assert undo(desk).status == 0
    assert state(desk.server)[ONE]["attributes"]["metadata"] == {**mine, "batch": "b0", "theirs": True}


def test_a_record_that_somebody_has_changed_since_is_left_alone_as_a_whole(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new", "metadata.batch": "b1"}, {"id": TWO, "reference": "new"}])
    meddle(desk.server, ONE, reference="theirs")
    theirs = state(desk.server)[ONE]
    ran = undo(desk)
    assert ran.status == 1
    assert sorted(statuses(desk)) == ["applied", "conflict"]
    assert state(desk.server)[ONE] == theirs
    assert state(desk.server)[TWO]["attributes"]["reference"] is None
    (row,) = [row for row in table(desk.folder / "undo" / "results.csv") if row["__status"] == "conflict"]
    assert (row["id"], row["__field"]) == (ONE, "reference")
    assert '"new"' in row["__message"]
    assert '"theirs"' in row["__message"]


def test_what_is_restored_already_is_unchanged(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    meddle(desk.server, ONE, reference="old")
    mark = desk.server.mark()
    assert undo(desk).status == 0
    assert statuses(desk) == ["unchanged"]
    assert desk.server.writes(mark) == []


def test_an_undo_can_be_undone(desk: Desk) -> None:
    apply(desk, EVERYTHING)
    applied = state(desk.server)
    assert undo(desk).status == 0
    assert undo(desk, "undo", into="redo").status == 0
    assert state(desk.server) == applied


def test_rows_that_failed_have_nothing_to_be_undone(desk: Desk) -> None:
    assert apply(desk, [{"id": "nosuchorder", "reference": "x"}, {"id": ONE, "reference": "new"}]).status == 1
    assert undo(desk).status == 0
    assert [row["id"] for row in table(desk.folder / "undo" / "results.csv")] == [ONE]


def test_what_a_refused_row_has_changed_all_the_same_is_undone_also_after_it_was_tried_again(desk: Desk) -> None:
    before = state(desk.server)
    row = {"id": ONE, "reference": "new", "metadata": {"k": 1}, "tags.add": ["ghost"]}
    assert apply(desk, [row]).status == 1
    assert [each["__reason"] for each in table(desk.run / "results.csv")] == ["tags_discarded"]
    assert verify(desk).status == 0  # the tag never landed: nothing differs
    assert desk.rowpatch("retry", desk.run, "--no-progress").status == 1
    assert verify(desk).status == 0
    assert undo(desk).status == 0
    assert state(desk.server) == before


def test_what_was_replaced_by_a_value_of_another_type_is_put_back_with_its_own(desk: Desk) -> None:
    before = state(desk.server)
    assert apply(desk, [{"id": THREE, "metadata": {"x:int": True, "": 7}}]).status == 0
    assert undo(desk).status == 0
    assert state(desk.server) == before


def test_a_record_that_was_written_under_both_of_its_types_is_one_record(tmp_path: Path) -> None:
    key = seeded_id("captures", 0)
    rows = [{"type": "transactions", "id": key, "reference": "a"}, {"type": "captures", "id": key, "reference": "b"}]
    with sandbox("--seed", "captures=1", "--limit", "none", "--abstract-transactions") as server:
        desk = Desk(tmp_path, server)
        before = server.attributes("captures")[key]["reference"]
        assert apply(desk, rows).status == 0
        assert server.attributes("captures")[key]["reference"] == "b"
        assert verify(desk).status == 0
        assert undo(desk).status == 0
        assert server.attributes("captures")[key]["reference"] == before


def test_a_replacement_of_metadata_is_undone_with_the_keys_it_wiped(desk: Desk) -> None:
    before = state(desk.server)
    apply(desk, [{"id": ONE, "metadata.batch": "b1"}, {"id": THREE, "metadata": {"a": 1}}], "--metadata", "replace")
    assert state(desk.server)[ONE]["attributes"]["metadata"] == {"batch": "b1"}
    assert undo(desk).status == 0
    assert state(desk.server) == before


def test_by_default_the_undo_has_a_directory_named_after_the_run(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    assert desk.rowpatch("undo", "run/", "--no-progress").status == 0
    (directory,) = (desk.folder / "runs").iterdir()
    assert directory.name.startswith("undo-run-")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in directory.iterdir() if path.stat().st_mode & 0o777 != 0o600} == set()


def test_plan_only_shows_what_would_be_restored_and_apply_plan_does_it(desk: Desk) -> None:
    before = state(desk.server)
    apply(desk, [{"id": ONE, "reference": "new"}, {"id": TWO, "reference": "new"}])
    mark = desk.server.mark()
    ran = undo(desk, "run", "--plan-only")
    assert ran.status == 0
    assert sent(desk.server, mark) == {"GET"}
    assert '"new"' in ran.out
    assert '"old"' in ran.out
    assert f"rowpatch apply --plan {desk.folder / 'undo'}" in ran.out
    assert {row["column"] for row in table(desk.folder / "undo" / "plan.csv")} == {"reference"}
    assert desk.rowpatch("apply", "--plan", desk.folder / "undo", "--no-progress").status == 0
    assert state(desk.server) == before


def test_plan_only_says_what_somebody_has_changed_since_and_what_is_restored_already(desk: Desk) -> None:
    assert apply(desk, [{"id": key, "reference": "new"} for key in (ONE, TWO, THREE)]).status == 0
    meddle(desk.server, ONE, reference="theirs")
    meddle(desk.server, THREE, reference="r3")
    ran = undo(desk, "run", "--plan-only")
    assert ran.status == 1
    assert ran.out.startswith("3 rows: 1 will change, 1 already is as you want it, 1 cannot be sent.")
    assert 'reference was "new" when planned, and is "theirs" now' in ran.out.replace("\n      ", " ")
    mark = desk.server.mark()
    assert desk.rowpatch("apply", "--plan", desk.folder / "undo", "--no-progress").status == 1
    assert [entry["body"]["data"]["id"] for entry in desk.server.writes(mark)] == [TWO]


def test_what_cannot_be_undone_is_listed_and_the_rest_is_undone(desk: Desk) -> None:
    row = {"id": ONE, "reference": "new", "_refresh": True}
    assert apply(desk, [{"id": TWO, "reference": "new"}, row], "--allow-trigger", "_refresh").status == 0
    ran = undo(desk)
    assert ran.status == 1
    assert "cannot_undo.csv" in ran.out
    assert state(desk.server)[ONE]["attributes"]["reference"] == "old"
    (lost,) = table(desk.folder / "undo" / "cannot_undo.csv")
    assert (lost["row"], lost["type"], lost["id"], lost["column"]) == ("2", TYPE, ONE, "_refresh")
    assert "trigger" in lost["why"]


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        ({"id": ONE, "reference": "new"}, ["--blind"]),
        ({"id": ONE, "_refresh": True}, ["--allow-trigger", "_refresh"]),
    ],
)
def test_a_run_of_which_nothing_can_be_undone_is_refused(desk: Desk, row: dict[str, Any], flags: list[str]) -> None:
    assert apply(desk, [row], *flags).status == 0
    mark = desk.server.mark()
    ran = undo(desk)
    assert ran.status == 2
    assert "can be undone" in ran.err
    assert desk.server.ledger(mark) == []
    assert not (desk.folder / "undo").exists()


@pytest.mark.parametrize("row", [{"id": ONE, "reference": "old"}, {"id": "nosuchorder", "reference": "x"}])
def test_a_run_that_wrote_nothing_leaves_nothing_behind(desk: Desk, row: dict[str, Any]) -> None:
    apply(desk, [row])
    ran = undo(desk)
    assert ran.status == 0
    assert "nothing to undo" in ran.out
    assert not (desk.folder / "undo").exists()


@pytest.mark.parametrize(
    "flags", [["--resend-unknown"], ["--blind"], ["--metadata", "replace"], ["--type", "stripe_payments"]]
)
def test_flags_that_change_what_rows_mean_are_refused(desk: Desk, flags: list[str]) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}, {"id": TWO, "reference": "new"}])
    mark = desk.server.mark()
    ran = undo(desk, "run", *flags)
    assert ran.status == 2
    assert flags[0] in ran.err
    assert desk.server.ledger(mark) == []
    assert not (desk.folder / "undo").exists()


def test_without_a_credential_nothing_is_left_behind(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    arguments = ("undo", desk.run, "--run-dir", desk.folder / "undo", "--no-progress")
    ran = desk.rowpatch(*arguments, also={"ROWPATCH_TOKEN": ""})
    assert ran.status == 2
    assert "No credential" in ran.err
    assert not (desk.folder / "undo").exists()


@pytest.mark.parametrize("command", ["undo", "verify"])
def test_a_run_that_is_held_by_another_process_is_busy(desk: Desk, command: str) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    with locked(desk.run):
        assert desk.rowpatch(command, desk.run).status == 75


@pytest.mark.parametrize("command", ["undo", "verify"])
def test_what_is_no_run_is_refused(desk: Desk, command: str) -> None:
    ran = desk.rowpatch(command, desk.folder)
    assert ran.status == 2
    assert "is not a run directory" in ran.err


@pytest.mark.parametrize("command", ["undo", "verify"])
def test_a_damaged_journal_is_refused_in_plain_words(desk: Desk, command: str) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    with closing(sqlite3.connect(desk.run / "journal.sqlite3")) as journal, journal:
        journal.execute("UPDATE image SET content = '[[1]]'")
    ran = desk.rowpatch(command, desk.run, "--no-progress")
    assert ran.status == 2
    assert "cannot be used" in ran.err
    assert "Traceback" not in ran.err
    assert list((desk.folder / "runs").glob("*")) == []


def test_an_interrupted_undo_can_be_resumed_and_still_keeps_to_its_plan(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, index), "reference": f"new {index}"} for index in range(60)]
    with sandbox("--seed", f"{TYPE}=60", "--limit", "none", "--latency", "20ms") as server:
        desk = Desk(tmp_path, server)
        before = state(server)
        assert apply(desk, rows, "--canary", "0").status == 0
        mark = server.mark()
        flags = ("--run-dir", desk.folder / "undo", "--no-progress", "--concurrency", "1", "--canary", "0")
        process = desk.start("undo", desk.run, *flags)
        until(lambda: len(server.writes(mark)) > 3, "the first updates")
        process.send_signal(signal.SIGINT)
        assert ended(process).status == 130
        left = {row["id"] for row in table(desk.folder / "undo" / "results.csv") if row["__status"] == "pending"}
        assert left
        theirs = min(left)
        meddle(server, theirs, reference="theirs")
        assert desk.rowpatch("resume", desk.folder / "undo", "--no-progress").status == 1
        assert sorted(set(statuses(desk))) == ["applied", "conflict"]
        behind = state(server)
        assert behind.pop(theirs)["attributes"]["reference"] == "theirs"
        before.pop(theirs)
        assert behind == before


# --- verify


def test_verify_reads_and_finds_that_everything_holds(desk: Desk) -> None:
    apply(desk, EVERYTHING)
    mark = desk.server.mark()
    ran = verify(desk)
    assert (ran.status, ran.err) == (0, "")
    assert "4 still hold" in ran.out
    assert sent(desk.server, mark) == {"GET"}
    assert table(desk.run / "verify.csv") == []
    assert (desk.run / "verify.csv").stat().st_mode & 0o777 == 0o600


def test_verify_names_what_differs_with_both_values(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new", "metadata.batch": "b1"}, {"id": TWO, "reference": "=1+1"}])
    meddle(desk.server, ONE, reference="theirs")
    meddle(desk.server, TWO, reference="-2")
    ran = verify(desk)
    assert ran.status == 1
    assert "2 differ" in ran.out
    assert f"{desk.run}/verify.csv" in ran.out
    rows = sorted(table(desk.run / "verify.csv"), key=lambda row: row["row"])
    assert [(row["row"], row["id"], row["finding"], row["column"]) for row in rows] == [
        ("1", ONE, "differs", "reference"),
        ("2", TWO, "differs", "reference"),
    ]
    assert [(row["written"], row["live"]) for row in rows] == [("new", "theirs"), ("'=1+1", "'-2")]


def test_verify_names_the_tag_that_is_missing(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "tags.add": ["sale", "tag1"], "tags.remove": "vip"}])
    meddle(desk.server, ONE, _remove_tags="sale", _add_tags="vip")
    assert verify(desk).status == 1
    rows = table(desk.run / "verify.csv")
    assert {(row["column"], row["written"], row["live"]) for row in rows} == {("tags", "sale", ""), ("tags", "", "vip")}


def test_verify_looks_at_what_the_last_row_of_a_record_wrote(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "first"}, {"id": ONE, "reference": "second"}])
    assert verify(desk).status == 0
    meddle(desk.server, ONE, reference="first")
    assert verify(desk).status == 1


def test_verify_checks_blind_runs_too(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}], "--blind")
    assert verify(desk).status == 0
    meddle(desk.server, ONE, reference="old")
    assert verify(desk).status == 1


def test_verify_does_not_mind_what_the_run_did_not_write(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "metadata.batch": "b1"}])
    mine = state(desk.server)[ONE]["attributes"]["metadata"]
    meddle(desk.server, ONE, metadata={**mine, "theirs": True}, reference="theirs")
    assert verify(desk).status == 0


def test_verify_finds_records_that_are_gone(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    with sandbox("--seed", "stripe_payments=1", "--limit", "none") as empty:
        ran = desk.rowpatch("verify", desk.run, "--url", empty.url, also={"ROWPATCH_TOKEN": empty.token})
    assert ran.status == 1
    assert "1 is gone" in ran.out
    assert [(row["id"], row["finding"]) for row in table(desk.run / "verify.csv")] == [(ONE, "gone")]


def test_verify_says_what_nobody_can_verify(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new", "_refresh": True}], "--allow-trigger", "_refresh")
    ran = verify(desk)
    assert ran.status == 0
    assert "_refresh (1)" in ran.out


def test_verify_takes_a_sample(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, index), "reference": "new"} for index in range(120)]
    with sandbox("--seed", f"{TYPE}=120", "--limit", "none") as server:
        desk = Desk(tmp_path, server)
        assert apply(desk, rows, "--canary", "0").status == 0
        mark = server.mark()
        ran = verify(desk, "--sample", "30")
        assert ran.status == 0
        assert "30 records" in ran.out
        assert len(server.ledger(mark)) == 2
        mark = server.mark()
        assert verify(desk).status == 0
        assert len(server.ledger(mark)) == 5


def test_verify_refuses_flags_of_sheets(desk: Desk) -> None:
    assert apply(desk, [{"id": ONE, "reference": "new"}]).status == 0
    ran = verify(desk, "--blind", "--limit", "1")
    assert ran.status == 2
    assert "leave out --limit, --blind" in ran.err


def test_a_sample_of_none_is_refused(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    ran = verify(desk, "--sample", "0")
    assert ran.status == 2
    assert "--sample" in ran.err


def test_verify_of_a_run_that_wrote_nothing_says_so(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "old"}])
    ran = verify(desk)
    assert ran.status == 0
    assert "nothing to verify" in ran.out


def test_a_verify_that_cannot_finish_exits_3_and_keeps_the_report_of_the_last_one(desk: Desk) -> None:
    apply(desk, [{"id": ONE, "reference": "new"}])
    meddle(desk.server, ONE, reference="theirs")
    assert verify(desk).status == 1
    report = (desk.run / "verify.csv").read_bytes()
    ran = desk.rowpatch("verify", desk.run, "--no-progress", also={"ROWPATCH_TOKEN": "expired"})
    assert ran.status == 3
    assert "authorisation_lost" in ran.err
    assert (desk.run / "verify.csv").read_bytes() == report


def test_verify_ends_at_once_when_it_is_interrupted(tmp_path: Path) -> None:
    rows = [{"id": seeded_id(TYPE, index), "reference": "new"} for index in range(60)]
    with sandbox("--seed", f"{TYPE}=60", "--limit", "none", "--latency", "5s") as slow:
        with sandbox("--seed", f"{TYPE}=60", "--limit", "none") as server:
            desk = Desk(tmp_path, server)
            assert apply(desk, rows, "--canary", "0").status == 0
        mark = slow.mark()
        process = desk.start("verify", desk.run, "--url", slow.url, also={"ROWPATCH_TOKEN": slow.token})
        until(lambda: slow.mark() > mark, "the first read")
        process.send_signal(signal.SIGINT)
        ran = ended(process)
        assert ran.status == 130
        assert "Traceback" not in ran.err
        assert not list(desk.run.glob("*verify*"))
