"""Bugs that an attack on the program found, each kept dead by a test."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import (
    JSON_API,
    Answer,
    Asked,
    Scripted,
    confirmed,
    nothing_there,
    refused,
    scripted_server,
)
from worker.cli import run

FLAGS = ["--type", "stripe_payments", "--metadata", "replace", "--no-progress"]
PROGRAM = [sys.executable, "-c", "from worker.cli import main; main()"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    monkeypatch.chdir(tmp_path)
    with scripted_server(confirmed) as scripted:
        monkeypatch.setenv("ROWPATCH_URL", scripted.url)
        monkeypatch.setenv("ROWPATCH_BLIND", "true")
        scripted.reads = nothing_there  # these servers know PATCH only, and rows in doubt are soon settled
        monkeypatch.setenv("ROWPATCH_CANARY", "0")
        yield scripted


def sheet(*rows: str, header: str = "id,reference", name: str = "sheet.csv") -> str:
    Path(name).write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return name


def apply(source: str, *flags: str, run_dir: str = "run") -> int:
    return run(["apply", source, "--run-dir", run_dir, *FLAGS, *flags])


def results(run_dir: str = "run") -> list[tuple[str, str]]:
    with Path(run_dir, "results.csv").open(newline="", encoding="utf-8-sig") as stream:
        return [(row["__status"], row["__reason"]) for row in csv.DictReader(stream)]


def answering(**by_id: Answer) -> object:
    return lambda asked: by_id.get(asked.id) or confirmed(asked)


# What is sent, and what is left alone -----------------------------------------------------------------------


def test_a_run_directory_that_holds_other_files_is_refused_and_the_sheet_in_it_survives(
    server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    content = Path(sheet("A,1", name="input.csv")).read_bytes()
    assert apply("input.csv", run_dir=".") == 2
    assert "is not empty: a run needs a directory of its own" in capfd.readouterr().err
    assert Path("input.csv").read_bytes() == content
    assert server.asked == []
    assert sorted(path.name for path in Path().iterdir()) == ["input.csv"]


def test_a_bare_dash_is_standard_input_only_where_the_sheet_stands(server: Scripted) -> None:
    assert apply(sheet("A,-"), "--clear-token", "-") == 0
    assert server.patches() == [("A", {"reference": None})]


def test_an_older_row_of_a_results_file_never_overwrites_a_newer_one(server: Scripted) -> None:
    server.script = lambda asked: refused(422) if asked.data["attributes"]["reference"] == "old" else confirmed(asked)
    assert apply(sheet("A,old", "A,new")) == 1
    assert results() == [("rejected", "validation"), ("applied", "")]
    server.script = confirmed
    server.asked.clear()
    assert apply("run/results.csv", run_dir="again") == 0
    assert server.patches() == []
    assert results("again") == [("skipped", "superseded"), ("skipped", "already_done")]


def old_ones_locked(asked: Asked) -> Answer:
    return refused(423) if asked.data["attributes"].get("reference") == "old" else confirmed(asked)


def test_an_older_row_of_a_results_file_is_sent_where_newer_ones_set_other_fields(server: Scripted) -> None:
    server.script = lambda asked: (
        refused(423) if asked.data["attributes"].get("reference") == "old" else confirmed(asked)
    )
    header, rows = "id,reference,metadata", ["A,old,", 'A,,"{""k"":1}"', 'B,old,"{""k"":1}"', "B,new,"]
    assert apply(sheet(*rows, header=header)) == 1
    assert results() == [("rejected", "locked"), ("applied", ""), ("rejected", "locked"), ("applied", "")]
    server.script = confirmed
    server.asked.clear()
    assert apply("run/results.csv", run_dir="again") == 0
    assert sorted(server.patches()) == [("A", {"reference": "old"}), ("B", {"metadata": {"k": 1}})]
    assert results("again") == [("applied", ""), ("skipped", "already_done")] * 2


def test_a_retry_sends_what_newer_rows_have_not_set(server: Scripted) -> None:
    server.script = lambda asked: (
        refused(423) if asked.data["attributes"].get("reference") == "old" else confirmed(asked)
    )
    header, rows = (
        "id,reference,metadata",
        ["A,old,", 'A,,"{""k"":1}"', 'B,old,"{""k"":1}"', "B,new,", "C,old,", "C,new,"],
    )
    assert apply(sheet(*rows, header=header)) == 1
    server.script = confirmed
    server.asked.clear()
    assert run(["retry", "run", "--no-progress"]) == 1
    assert sorted(server.patches()) == [("A", {"reference": "old"}), ("B", {"metadata": {"k": 1}})]
    assert results() == [("applied", "")] * 4 + [("rejected", "locked"), ("applied", "")]  # told, and left alone


def test_a_row_that_fires_an_action_is_not_sent_with_the_values_of_another(server: Scripted) -> None:
    server.script = lambda asked: refused(423) if "_capture" in asked.data["attributes"] else confirmed(asked)
    flags = ["--type", "authorizations", "--no-progress", "--allow-trigger", "_capture"]
    name = sheet("A,old,true", "A,new,", header="id,reference,_capture")
    assert run(["apply", name, "--run-dir", "run", *flags]) == 1
    server.script = confirmed
    server.asked.clear()
    assert run(["apply", "run/results.csv", "--run-dir", "again", *flags]) == 1
    assert server.patches() == []
    assert results("again") == [("conflict", "overtaken"), ("skipped", "already_done")]
    assert run(["retry", "run", "--no-progress"]) == 1
    assert server.patches() == []


def test_a_row_that_may_have_been_applied_shields_the_fields_that_it_sets(server: Scripted) -> None:
    """Tags are never sent twice, so the later rows stay unknown; the earlier ones must not overwrite them."""

    def script(asked: Asked) -> Answer:
        return refused(500) if "_add_tags" in asked.data["attributes"] else refused(423)

    server.script = script
    rows = ["A,old,,", "A,new,,vip", 'B,old,"{""k"":1}",', "B,new,,vip"]
    name = sheet(*rows, header="id,reference,metadata,tags.add")
    flags = ["--type", "orders", "--metadata", "replace", "--no-progress"]
    assert run(["apply", name, "--run-dir", "run", *flags]) == 1
    assert results() == [("rejected", "locked"), ("unknown", "server_error")] * 2
    server.script = lambda asked: confirmed(asked) if asked.method == "PATCH" else refused(404)
    server.asked.clear()
    assert run(["retry", "run", "--no-progress"]) == 1
    assert [each for each in server.patches() if "_add_tags" not in each[1]] == [("B", {"metadata": {"k": 1}})]
    assert results()[0] == ("rejected", "locked")


def test_a_retry_leaves_an_older_row_alone_whose_newer_one_may_have_been_applied(server: Scripted) -> None:
    def script(asked: Asked) -> Answer:
        return refused(423) if "_capture" not in asked.data["attributes"] else refused(500)

    server.script = script
    name = sheet("A,old,", "A,,true", header="id,reference,_capture")
    flags = ["--type", "authorizations", "--no-progress", "--allow-trigger", "_capture"]
    assert run(["apply", name, "--run-dir", "run", *flags]) == 1
    assert results() == [("rejected", "locked"), ("unknown", "server_error")]
    server.asked.clear()
    assert run(["retry", "run", "--no-progress"]) == 1
    assert server.patches() == []
    assert results() == [("rejected", "locked"), ("unknown", "server_error")]


def test_a_refused_retry_changes_nothing_that_a_later_resume_would_act_on(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = lambda _: refused(500)
    name = sheet("A,true", header="id,_capture")
    flags = ["--type", "authorizations", "--no-progress", "--allow-trigger", "_capture"]
    assert run(["apply", name, "--run-dir", "run", *flags]) == 1
    server.script = confirmed
    monkeypatch.delenv("ROWPATCH_TOKEN")
    assert run(["retry", "run", "--resend-unknown", "--no-progress"]) == 2  # no credential
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
    assert run(["resume", "run", "--no-progress"]) == 1
    assert len(server.patches()) == 1
    assert results() == [("unknown", "server_error")]
    assert run(["retry", "run", "--resend-unknown", "--no-progress"]) == 0
    assert len(server.patches()) == 2


# Doubts stay doubts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("later", [refused(403), refused(423)])
def test_a_retry_does_not_forget_that_a_row_may_have_been_applied(server: Scripted, later: Answer) -> None:
    server.script = lambda _: refused(500)
    assert apply(sheet("A,1"), "--max-attempts", "1") == 1
    server.script = lambda _: later
    assert run(["retry", "run", "--no-progress"]) == 1
    assert results() == [("unknown", "server_error")]


def test_a_retry_that_reaches_nobody_leaves_an_unknown_row_unknown(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.script = lambda _: refused(500)
    assert apply(sheet("A,1"), "--max-attempts", "1") == 1
    assert run(["retry", "run", "--no-progress", "--url", "http://127.0.0.1:9", "--max-attempts", "1"]) == 1
    assert results() == [("unknown", "server_error")]


def test_a_row_held_back_in_a_retry_keeps_its_last_result(server: Scripted) -> None:
    server.script = lambda _: refused(423)
    assert apply(sheet("A,1", "A,2")) == 1
    server.script = lambda _: refused(500)
    assert run(["retry", "run", "--no-progress", "--max-attempts", "1"]) == 1
    assert results() == [("unknown", "server_error"), ("rejected", "locked")]


def test_other_settings_do_not_make_an_unknown_row_invalid(server: Scripted) -> None:
    server.script = lambda _: refused(500)
    name = sheet("A,1", header="id,metadata.k")
    assert apply(name, "--max-attempts", "1") == 1
    assert run(["retry", "run", "--no-progress", "--metadata", "merge"]) == 1
    assert results() == [("unknown", "server_error")]


# Nothing a server says breaks the run -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b"{}", {"Content-Type": "text/\xff\xfe"}), ("unknown", "reply_mismatch")),  # half characters
        (Answer(200, b'{"data":{"id":"A","type":"stripe_payments","attributes":{"reference":NaN}}}'),
         ("applied", "unverified")),  # no value that anybody could compare
        (Answer(200, b'{"data":{"id":"A","type":"stripe_payments","attributes":{"reference":1e999}}}'),
         ("applied", "unverified")),
        (Answer(200, b'{"data":{"id":"A","type":"stripe_payments","meta":{"mode":"\\ud800"}}}'),
         ("applied", "unverified")),
        (Answer(422, b'{"errors":[{"detail":"\\ud800 half"}]}'), ("rejected", "validation")),
        (Answer(101, b""), ("unknown", "reply_garbled")),
        (Answer(200, b"[" * 100_000), ("unknown", "reply_mismatch")),
    ],
)  # fmt: skip
def test_a_strange_reply_is_a_verdict_about_its_row(
    server: Scripted, answer: Answer, expected: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = lambda _: answer
    assert apply(sheet("A,1"), "--expect-mode", "test", "--max-attempts", "1") in {0, 1}
    assert results() == [expected]
    assert "Traceback" not in capfd.readouterr().err


def test_lists_where_tags_should_be_are_no_tags(server: Scripted) -> None:
    body = {
        "data": {"id": "A", "type": "orders", "relationships": {"tags": {"data": [{"id": ["x"]}]}}},
        "included": [{"id": ["x"], "attributes": {"name": ["vip"]}}],
    }
    server.script = lambda _: Answer(200, json.dumps(body).encode())
    name = sheet("A,vip", header="id,tags.add")
    assert run(["apply", name, "--run-dir", "run", "--type", "orders", "--no-progress"]) == 1
    assert results() == [("rejected", "tags_discarded")]


def test_a_trigger_that_fired_is_not_fired_again_for_a_tag_that_was_discarded(
    server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    body = {"data": {"id": "A", "type": "orders", "relationships": {"tags": {"data": []}}}}
    server.script = lambda _: Answer(200, json.dumps(body).encode())
    name = sheet("A,vip,true", header="id,tags.add,_place")
    flags = ["--type", "orders", "--no-progress", "--blind"]
    assert run(["apply", name, "--run-dir", "run", "--allow-trigger", "_place", *flags]) == 1
    assert results() == [("rejected", "tags_discarded")]
    server.asked.clear()
    run(["retry", "run", "--no-progress"])
    assert server.patches() == []
    assert "1 rows are left alone: their trigger was fired" in capfd.readouterr().err
    run(["retry", "run", "--no-progress", "--resend-unknown"])
    assert len(server.patches()) == 1


@pytest.mark.parametrize(
    ("sent", "echoed", "reason"),
    [
        ("12,50", "1250", "echo_differs"),  # a decimal comma was swallowed
        ("abc", "abcs", "echo_differs"),
        ("!!", "", "echo_differs"),
        ("007", "7", "echo_differs"),
        ("67", 67, "echo_differs"),  # no form that the schema declares of text
        ("AdyenPayment", "adyen_payments", "echo_differs"),
        ("EUR", "eur", "echo_differs"),
        ("67", "67", ""),
    ],
)
def test_only_the_same_text_passes_for_text_that_was_sent(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, sent: str, echoed: object, reason: str
) -> None:
    monkeypatch.delenv("ROWPATCH_BLIND")  # else it could be the old value
    old = {"data": [{"id": "A", "type": "stripe_payments", "attributes": {"reference": "old"}}]}
    found = Answer(200, json.dumps(old).encode())
    server.reads = lambda _: found
    server.script = lambda asked: confirmed(asked, reference=echoed)
    assert apply(sheet(f'A,"{sent}"')) == 0
    assert results() == [("applied", reason)]


@pytest.mark.parametrize(
    "limits",
    [
        {"X-Ratelimit-Limit": "999999999999", "X-Ratelimit-Interval": "60", "X-Ratelimit-Remaining": "0"},
        {"X-Ratelimit-Limit": "1", "X-Ratelimit-Interval": "999999999999999"},
    ],
)
def test_absurd_limits_are_not_learned(server: Scripted, limits: dict[str, str]) -> None:
    server.script = lambda asked: Answer(200, confirmed(asked).body, {**JSON_API, **limits})
    name = sheet("A,1", "B,2", "C,3")
    assert apply(name) == 0
    assert apply(name, run_dir="second") == 0


# Ends, streams, configuration -------------------------------------------------------------------------------


def test_a_signal_during_a_slow_type_lookup_ends_the_run(server: Scripted, tmp_path: Path) -> None:
    def script(asked: Asked) -> Answer:
        time.sleep(1.0)
        return refused(401, "INVALID_TOKEN")

    server.script = lambda _: refused(404, "RECORD_NOT_FOUND")
    server.reads = script
    name = sheet(*(f"A{n},x" for n in range(10)))
    process = subprocess.Popen([*PROGRAM, "apply", name, "--type", "transactions", "--run-dir", "run"])
    until = time.monotonic() + 20
    while not any(asked.method == "GET" for asked in server.asked):
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) in {3, 143}


def test_a_reader_that_goes_away_changes_nothing_about_the_run(server: Scripted) -> None:
    name = sheet("A,1", "B,2")
    arguments = ["apply", name, "--run-dir", "run", *FLAGS]
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 0
    assert "Traceback" not in errors
    assert results() == [("applied", "")] * 2


def test_resume_refuses_a_type_that_does_not_fit_and_forgets_it(
    server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    assert apply(sheet("A,1", "B,2"), "--limit", "1") == 0
    assert run(["resume", "run", "--type", "nonsense", "--limit", "2", "--no-progress"]) == 2
    assert "nonsense" in capfd.readouterr().err
    assert run(["resume", "run", "--limit", "2", "--no-progress"]) == 0


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("Bearer abc", "leave out the word Bearer"),
        ("abc\ndef", "no credential has"),
        ('"abc"', "no credential has"),
        ("ab c", "no credential has"),
    ],
)
def test_a_token_that_cannot_be_one_is_refused_before_anything_is_sent(
    server: Scripted, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], token: str, says: str
) -> None:
    monkeypatch.setenv("ROWPATCH_TOKEN", token)
    assert apply(sheet("A,1")) == 2
    said = capfd.readouterr().err
    assert says in said
    assert "abc" not in said
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["http://[::1", "https://a..b", "https://exa mple", "http://127.0.0.1:0", "https://-a.io"]
)
def test_a_url_that_cannot_be_one_is_refused(server: Scripted, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert apply(sheet("A,1"), "--url", url) == 2
    assert "Traceback" not in capfd.readouterr().err


def test_a_closed_standard_input_is_said(server: Scripted) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM, "apply", "-", "--format", "csv", "--type", "orders"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Standard input is closed" in done.stderr


def test_a_broken_line_of_a_failed_file_is_not_skipped_when_it_is_fed_back(server: Scripted) -> None:
    Path("lines.ndjson").write_text('{"id":"A","reference":"1"}\n{"id":\n')
    assert apply("lines.ndjson") == 1
    assert apply("run/failed.ndjson", run_dir="again") == 1
    assert results("again") == [("invalid", "bad_shape")]


# Found by a newcomer ----------------------------------------------------------------------------------------


def test_a_failed_file_that_was_mended_is_never_overwritten(server: Scripted) -> None:
    server.script = lambda _: refused(422)
    assert apply(sheet("A,1")) == 1
    failed = Path("run/failed.csv")
    mended = failed.read_text(encoding="utf-8").replace("A,1", "A,2")
    failed.write_text(mended, encoding="utf-8")
    assert run(["report", "run"]) == 0
    assert Path("run/failed.edited.csv").read_text(encoding="utf-8") == mended
    assert run(["report", "run"]) == 0
    assert len(list(Path("run").glob("failed*"))) == 2  # an untouched one is simply replaced


@pytest.mark.parametrize("id_", ["#N/A", "#REF!", "#NV"])
def test_a_spreadsheet_error_in_the_id_column_is_no_comment(server: Scripted, id_: str) -> None:
    assert apply(sheet(f"{id_},1", "# a comment,1")) == 1
    assert results() == [("invalid", "id_malformed"), ("skipped", "comment")]


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("metadata.a:boolean", ":bool"),
        ("metadata.a:Int", ":int"),
        ("metadata.a: json", ":json"),
        ("reference:text", ":str"),
    ],
)
def test_a_word_for_a_type_that_is_none_is_refused_with_the_right_one(
    server: Scripted, column: str, meant: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert apply(sheet("A,1", header=f"id,{column}")) == 2
    assert meant in capfd.readouterr().err


def test_a_key_that_really_ends_like_a_type_can_be_written(server: Scripted) -> None:
    assert apply(sheet("A,1", header="id,metadata.urn:string:str")) == 0
    assert server.patches() == [("A", {"metadata": {"urn:string": "1"}})]


def test_a_server_that_never_answers_stops_the_run_within_seconds(
    server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    name = sheet(*(f"A{n},x" for n in range(100)))
    assert apply(name, "--url", "http://127.0.0.1:9", "--concurrency", "40", "--rate", "none") == 3
    assert "nothing was ever answered (cannot connect to 127.0.0.1:9" in " ".join(capfd.readouterr().out.split())


def test_runs_begun_in_the_same_second_have_directories_of_their_own(server: Scripted) -> None:
    name = sheet("A,1")
    for _ in range(3):
        assert run(["apply", name, *FLAGS]) == 0
    assert len(list(Path("runs").iterdir())) == 3


# Found by a second attack -------------------------------------------------------------------------------------


def test_consent_to_send_twice_holds_for_one_command(server: Scripted) -> None:
    server.script = lambda _: refused(500)
    name = sheet("A,vip", "B,vip", header="id,tags.add")
    assert run(["apply", name, "--run-dir", "run", "--type", "orders", "--no-progress", "--max-attempts", "1"]) == 1
    assert len(server.patches()) == 2
    assert run(["retry", "run", "--resend-unknown", "--limit", "1", "--no-progress"]) == 1
    assert len(server.patches()) == 3
    assert run(["resume", "run", "--limit", "2", "--no-progress"]) == 1
    assert run(["retry", "run", "--no-progress"]) == 1
    assert len(server.patches()) == 3


def test_a_retry_with_a_limit_leaves_later_rows_settled(server: Scripted) -> None:
    server.script = lambda _: refused(422)
    assert apply(sheet("A,1", "B,2")) == 1
    assert run(["retry", "run", "--limit", "1", "--no-progress"]) == 1
    assert sorted(id_ for id_, _ in server.patches()) == ["A", "A", "B"]
    assert run(["resume", "run", "--limit", "2", "--no-progress"]) == 1
    assert len(server.patches()) == 3


def test_a_run_whose_journal_is_gone_is_not_begun_anew_over_its_files(server: Scripted) -> None:
    name = sheet("A,1")
    assert apply(name) == 0
    Path("run/journal.sqlite3").unlink()
    kept = Path("run/results.csv").read_bytes()
    assert apply(name) == 2
    assert Path("run/results.csv").read_bytes() == kept


@pytest.mark.parametrize("number", ["2.6", "1_0", "0x2", "1e1"])
def test_a_number_of_rows_is_a_whole_number(server: Scripted, number: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert apply(sheet("A,1"), "--limit", number) == 2
    assert "whole number" in " ".join(capfd.readouterr().err.split())
    assert server.asked == []


# Plans, and what to do next ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "flags", "status"),
    [
        (["", "two ids"], [], 1),  # "" alone would be a blank line
        (["#comment", "#another"], [], 0),
        (["A,1", "B,2"], ["--limit", "0"], 0),
        (["two ids"], ["--blind"], 1),
    ],
)
def test_a_plan_without_a_row_that_could_be_sent_ends(
    server: Scripted, rows: list[str], flags: list[str], status: int
) -> None:
    source = sheet(*[row if "," in row else f"{row},x" for row in rows])
    planned = subprocess.run(
        [*PROGRAM, "plan", source, "--run-dir", "p", *FLAGS, *flags], capture_output=True, timeout=30, check=False
    )
    assert planned.returncode == status, planned.stderr
    assert server.asked == []


def test_a_blind_plan_says_that_keys_are_wiped_unseen(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    source = sheet("A,1", "B,", header="id,metadata.a")
    assert run(["plan", source, "--run-dir", "p", *FLAGS]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "In 1 row an object is replaced as a whole, unread (--blind): keys that are not in the sheet" in said


def test_a_plan_names_records_that_stand_in_several_rows(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", sheet("A,1", "B,1", "A,2", "A,3"), "--run-dir", "p", *FLAGS]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "1 record stands in 3 rows: they are sent in the order of the sheet, the last one wins" in said


def test_a_run_goes_no_further_than_the_plan_it_keeps_to(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", sheet("A,1", "B,1", "C,1"), "--limit", "2", "--run-dir", "p", *FLAGS]) == 0
    assert run(["apply", "--plan", "p", "--no-progress"]) == 0
    assert "--limit 3" not in capfd.readouterr().out
    assert run(["resume", "p", "--limit", "3", "--no-progress"]) == 2
    assert "is about the first 2 rows. To go on, plan again: rowpatch plan" in capfd.readouterr().err
    assert {id_ for id_, _ in server.patches()} == {"A", "B"}


def test_a_record_that_cannot_be_read_says_why(
    monkeypatch: pytest.MonkeyPatch, server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ROWPATCH_BLIND")
    server.reads = lambda _: Answer(403)
    assert apply(sheet("A,1"), "--max-attempts", "1") == 1
    assert "it answered 403" in capfd.readouterr().out
    monkeypatch.setenv("ROWPATCH_URL", "http://127.0.0.1:1")
    apply("sheet.csv", "--max-attempts", "1", run_dir="unreachable")
    assert "cannot connect to 127.0.0.1:1" in capfd.readouterr().out


def test_a_directory_with_a_plan_says_so(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", sheet("A,1"), "--run-dir", "p", *FLAGS]) == 0
    assert apply("sheet.csv", run_dir="p") == 2
    assert "holds a plan already; to do it: rowpatch apply --plan p" in capfd.readouterr().err


def test_a_trigger_without_its_underscore_is_refused(server: Scripted, capfd: pytest.CaptureFixture[str]) -> None:
    assert apply(sheet("A,true", header="id,_refresh"), "--allow-trigger", "refresh") == 2
    assert "Try _refresh" in capfd.readouterr().err


def test_unknown_rows_that_could_fire_twice_are_not_sent_to_a_retry_that_leaves_them(
    server: Scripted, capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = lambda _: Answer(502)
    flags = ["--allow-trigger", "_capture", "--max-attempts", "1"]
    assert apply(sheet("A,orders,true", header="id,type,_capture"), *flags) == 1
    assert results() == [("unknown", "server_error")]
    said = capfd.readouterr().out
    assert "rowpatch retry" not in said
    assert "look at the records of the unknown row in run/failed.csv" in said
    assert "--resend-unknown" in said
