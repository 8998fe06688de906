"""The command line as a user meets it: refusals that say what to do, modes, secrets, the exit status."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.e2e.sandbox_thread import Served, sandbox_in_thread
from worker.cli import run
from worker.sandbox import SandboxSettings, seeded_id

SETTINGS = SandboxSettings(seed=("stripe_payments=20", "transactions=20", "orders=3"), random_seed=0)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with sandbox_in_thread(SETTINGS) as served:
        monkeypatch.setenv("ROWPATCH_TOKEN", served.token)
        monkeypatch.setenv("ROWPATCH_URL", served.url)
        yield served


@pytest.fixture
def sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A good sheet in an otherwise empty working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sheet.csv"
    rows = "".join(f"{seeded_id('stripe_payments', n)},ref{n}\n" for n in range(20))
    path.write_text("id,reference\n" + rows)
    return path


def no_runs(folder: Path) -> bool:
    return not (folder / "runs").exists() or not any((folder / "runs").iterdir())


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--canary", "some"], "--canary"),
        (["--plan", "runs/x"], "--plan takes its sheet, API and directory from the plan"),
        (["--rate", "fast"], "write windows like 50/10s,200/60s"),
        (["--stop-after", "many"], "write a number of rows like 100, or a share like 5%"),
        (["--concurrency", "0"], "--concurrency: input should be greater than or equal to 1"),
        (["--max-attempts", "0"], "--max-attempts: input should be"),
        (["--headroom", "100"], "--headroom"),
        (["--limit", "-1"], "--limit"),
        (["--clear-token", ""], "--clear-token"),
        (["--type", "stripe_payment"], "did you mean `stripe_payments`"),
        (["--type", ""], "pass --type TYPE, or add a column `type`"),
        (["--encoding", "ebcdic-nonsense"], "no such text encoding"),
        (["--url", "http://example.com"], "travel in the clear"),
        (["--concurency", "3"], "Did you mean --concurrency"),
        (["--limit", "ten"], "--limit"),
        (["--metadata", "keep"], "--metadata"),
    ],
)
def test_a_wrong_or_unbuilt_flag_exits_2_says_what_to_do_and_leaves_nothing(
    flags: list[str], says: str, sheet: Path, sandbox: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    kind = [] if "--type" in flags else ["--type", "stripe_payments"]
    assert run(["apply", str(sheet), *kind, *flags]) == 2
    assert says in " ".join(capfd.readouterr().err.replace("│", " ").split())
    assert no_runs(sheet.parent)


def test_a_host_that_only_the_token_names_is_told_before_anything_else(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    claims = {"organization": {"slug": "acme-brand"}, "test": False}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    monkeypatch.delenv("ROWPATCH_URL", raising=False)
    monkeypatch.setenv("ROWPATCH_TOKEN", f"e30.{payload}.sig")
    assert run(["apply", str(sheet), "--type", "stripe_payments"]) == 2  # it is live, and nobody can say yes
    said = capfd.readouterr().err
    assert said.startswith("The API is https://acme-brand.commercelayer.io: the token names it.")
    assert payload not in said


@pytest.mark.parametrize("flags", [["--blind"], ["--canary", "0"], ["--yes"], ["--blind", "--canary", "0", "--yes"]])
def test_flags_that_already_hold_are_accepted(flags: list[str], sheet: Path, sandbox: Served) -> None:
    assert run(["apply", str(sheet), "--type", "stripe_payments", *flags, "--no-progress"]) == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the input is empty"),  # an empty file
        (b"id,reference\n", "has no rows"),  # a header alone
        (b"id,referense\nx,1\n", "did you mean `reference`"),  # an unknown column
        (b"metadata.a\n1\n", "id"),  # no id column
        (b'id,reference\nx,"1\ny,2\n', "line 2"),  # a quote that never ends
        (b"id,reference\nx,caf\xe9\n", "--encoding"),  # not UTF-8
        (b"id,reference,reference\nx,1,2\n", "reference"),  # the same column twice
        (b"id,metadata,metadata.a\nx,{},1\n", "metadata"),  # both the whole and a member
        (b"id;x,id,reference\nx;1\n", "--delimiter"),  # one of two delimiters
    ],
)
def test_a_sheet_that_cannot_be_read_faithfully_is_refused_whole(
    content: bytes, says: str, sheet: Path, sandbox: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    sheet.write_bytes(content)
    assert run(["apply", str(sheet), "--type", "stripe_payments"]) == 2
    assert says in capfd.readouterr().err
    assert no_runs(sheet.parent)


def test_a_missing_file_or_credential_or_url_is_said(
    sheet: Path, sandbox: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["apply", "nowhere.csv", "--type", "orders"]) == 2
    assert "Cannot read nowhere.csv: No such file or directory" in capfd.readouterr().err
    assert run(["apply"]) == 2
    assert "Which sheet?" in capfd.readouterr().err
    monkeypatch.delenv("ROWPATCH_URL")
    monkeypatch.setenv("ROWPATCH_TOKEN", "opaque")
    assert run(["apply", str(sheet), "--type", "orders"]) == 2
    assert "Where to?" in capfd.readouterr().err
    monkeypatch.delenv("ROWPATCH_TOKEN")
    assert run(["apply", str(sheet), "--type", "orders", "--url", "https://a.example"]) == 2
    assert "No credential" in capfd.readouterr().err


def test_live_mode_without_a_terminal_needs_yes(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with sandbox_in_thread(replace(SETTINGS, mode="live")) as live:
        monkeypatch.setenv("ROWPATCH_TOKEN", live.token)
        monkeypatch.setenv("ROWPATCH_URL", live.url)
        assert run(["apply", str(sheet), "--type", "stripe_payments"]) == 2
        assert "20 rows" in (said := capfd.readouterr().err)
        assert "live mode needs --yes" in said
        assert no_runs(sheet.parent)
        assert run(["apply", str(sheet), "--type", "stripe_payments", "--expect-mode", "test", "--yes"]) == 2
        assert "The credential is for live mode" in capfd.readouterr().err
        assert run(["apply", str(sheet), "--type", "stripe_payments", "--yes", "--no-progress"]) == 0


def test_an_expected_mode_is_checked_in_the_replies_where_the_token_does_not_tell(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with sandbox_in_thread(replace(SETTINGS, mode="live")) as live:
        monkeypatch.setenv("ROWPATCH_CLIENT_ID", "sandbox-client-id")
        monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "sandbox-client-secret")
        monkeypatch.setenv("ROWPATCH_AUTH_URL", live.url)
        assert run(["apply", str(sheet), "--type", "stripe_payments", "--url", live.url, "--expect-mode", "test"]) == 2
    assert "The credential is for live mode" in capfd.readouterr().err


def test_client_credentials_get_a_token_and_a_dead_one_stops_with_3(
    sheet: Path, sandbox: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ROWPATCH_TOKEN")
    monkeypatch.setenv("ROWPATCH_CLIENT_ID", "sandbox-client-id")
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "wr0ng-s3cr3t")
    monkeypatch.setenv("ROWPATCH_AUTH_URL", sandbox.url)
    apply = ["apply", str(sheet), "--type", "stripe_payments", "--no-progress", "--run-dir", "run"]
    assert run(apply) == 3
    said = capfd.readouterr()
    assert "wr0ng" not in said.out + said.err
    summary = json.loads(Path("run/summary.json").read_text())
    assert (summary["state"], summary["counts"]["pending"]) == ("stopped", 20)
    monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "sandbox-client-secret")
    assert run(["resume", "run", "--no-progress"]) == 0
    assert json.loads(Path("run/summary.json").read_text())["requests"] == {"patch": 20, "get": 7, "token": 2}


def test_a_run_from_standard_input_needs_its_format(sandbox: Served, tmp_path: Path) -> None:
    line = json.dumps({"id": seeded_id("orders", 0), "type": "orders", "reference": "from stdin"})
    program = [sys.executable, "-c", "from worker.cli import main; main()", "apply", "-", "--no-progress"]
    done = subprocess.run(program, input=line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pass --format csv, tsv, ndjson or xlsx" in done.stderr
    run_dir = tmp_path / "run"
    done = subprocess.run(
        [*program, "--format", "ndjson", "--run-dir", str(run_dir)],
        input=line, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert sandbox.resources["orders"][seeded_id("orders", 0)].attributes["reference"] == "from stdin"


def test_no_secret_reaches_any_file_or_stream(sheet: Path, sandbox: Served, capfd: pytest.CaptureFixture[str]) -> None:
    sheet.write_text(sheet.read_text() + "doesnotexist,x\n")
    assert run(["apply", str(sheet), "--type", "stripe_payments", "--run-dir", "run", "--log-format", "json"]) == 1
    said = capfd.readouterr()
    stored = sandbox.resources["stripe_payments"][seeded_id("stripe_payments", 0)].attributes
    secrets = [sandbox.token, str(stored["client_secret"]), str(stored["publishable_key"])]
    everything = (
        said.out
        + said.err
        + "".join(path.read_bytes().decode("latin-1") for path in sheet.parent.rglob("*") if path.is_file())
    )
    assert all(len(secret) > 8 for secret in secrets)
    assert not [secret for secret in secrets if secret in everything]


def test_log_lines_are_json_when_asked_for(
    sheet: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with sandbox_in_thread(replace(SETTINGS, limit=(1000, 60.0))) as limited:
        monkeypatch.setenv("ROWPATCH_TOKEN", limited.token)
        run(["apply", str(sheet), "--type", "stripe_payments", "--url", limited.url, "--log-format", "json"])
    events = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert all(event.pop("timestamp").endswith("Z") for event in events)
    working, *events = events
    assert (working.pop("run")[:11], working) == ("runs/sheet-", {"event": "working", "level": "info", "rows": 20})
    learned = {"event": "limit_learned", "level": "info", "windows": "1000/60s, 250/10s"}
    assert events == [{**learned, "method": method} for method in ("GET", "PATCH")]


def test_blind_rows_with_metadata_are_refused_without_the_flag_and_nothing_is_wiped(
    sheet: Path, sandbox: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = seeded_id("stripe_payments", 0), seeded_id("stripe_payments", 1)
    sheet.write_text(f"id,reference,metadata.batch,options.key\n{first},a,,\n{second},b,7,\n")
    assert run(["apply", str(sheet), "--type", "stripe_payments", "--no-progress", "--blind"]) == 1
    stored = sandbox.resources["stripe_payments"]
    assert stored[first].attributes["reference"] == "a"
    assert stored[second].attributes["reference"] is None
    assert stored[second].attributes["metadata"] == {"origin": "seed"}
    assert "needs_metadata_replace" in capfd.readouterr().out


def test_a_check_waits_for_nothing_that_sends_or_draws(sheet: Path) -> None:
    arguments = ["check", str(sheet), "--type", "stripe_payments"]
    program = f"import sys; from worker.cli import run; run({arguments!r}); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    needless = ("aiohttp", "structlog", "rich.console", "worker.lane.transport", "worker.engine.run")
    assert [name for name in needless if f"'{name}'" in done.stderr] == []


def test_help_does_not_wait_for_the_http_client() -> None:
    program = "import sys; from worker.cli import run; run(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "aiohttp" not in done.stderr
    assert "structlog" not in done.stderr
    for command in ("apply", "resume", "retry", "report", "sandbox"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("command", "refused"),
    [
        (
            "probe",
            ["--limit", "--metadata", "--allow-trigger", "--resend-unknown", "--blind", "--canary", "--stop-after"],
        ),
        ("undo", ["--type", "--clear-token", "--metadata", "--allow-trigger", "--resend-unknown", "--blind"]),
        (
            "verify",
            ["--type", "--clear-token", "--limit", "--metadata", "--allow-trigger", "--resend-unknown", "--blind"],
        ),
    ],
)
def test_the_help_of_a_command_lists_no_flag_that_it_refuses(
    command: str, refused: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--help"]) == 0
    listed = set(capfd.readouterr().out.split())
    assert listed.isdisjoint(refused)
    assert {"--url", "--proxy", "--timeout"} <= listed
