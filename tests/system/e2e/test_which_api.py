"""Which API a command is for, as a user says it: flags, environment, refusals that say what to do."""

from pathlib import Path

import pytest

from tests.desk_api import DESK, desk_file
from tests.system.e2e.program import Desk, Ran, Server, sandbox
from tests.system.e2e.test_described_sandbox import sandbox as announced
from worker.sandbox import seeded_id

SHEET = "id,subject\n1,new\n"


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    desk_file(tmp_path)
    desk = Desk(tmp_path, Server("", "token", "", ""))
    desk.sheet.write_text(SHEET)
    return desk


def said(ran: Ran) -> str:
    return " ".join(ran.err.replace("│", " ").split())


def test_a_sheet_is_checked_against_a_described_api(offline: Desk) -> None:
    checked = offline.rowpatch("check", offline.sheet, "--type", "tickets", "--api", "desk.toml")
    assert (checked.status, checked.err) == (0, "")
    assert "1 can be sent, 0 cannot" in checked.out
    by_environment = offline.rowpatch("check", offline.sheet, "--type", "tickets", also={"ROWPATCH_API": "./desk.toml"})
    assert by_environment.out == checked.out
    assert offline.rowpatch("check", offline.sheet, "--type", "tickets").status == 2  # Commerce Layer has none


def test_a_check_says_itself_how_to_repeat_it(offline: Desk) -> None:
    offline.sheet.write_text("id,subject\n1,new\n2,1.23457E+12\n3,#REF!\n")
    flags = ("--type", "tickets", "--api", "desk.toml", "--set", "team=a b")
    found = offline.rowpatch("check", "sheet.csv", *flags)
    assert "rowpatch check sheet.csv --api desk.toml --set 'team=a b' --type tickets" in found.out


def test_a_template_is_made_of_a_described_api(offline: Desk) -> None:
    made = offline.rowpatch("template", "tickets", also={"ROWPATCH_API": "desk.toml", "ROWPATCH_FORMAT": "ndjson"})
    assert (made.status, "subject" in made.out.splitlines()[0]) == (0, True)


@pytest.mark.parametrize(
    ("flags", "also", "says"),
    [
        (["--api", "desk"], {}, "There is no API 'desk'"),
        (["--api", "gone.toml"], {}, "Cannot read gone.toml: No such file"),
        (["--set", "team=x"], {}, "commercelayer has no such variable; there are organization"),
        (["--api", "desk.toml"], {}, "Where to? https://{subdomain}.desk.example/{region}/api needs --set subdomain="),
        (["--api", "desk.toml", "--set", "subdomian=a"], {}, "did you mean subdomain?"),
        (["--api", "desk.toml", "--set", "team"], {}, "write NAME=VALUE"),
        (["--api", "desk.toml"], {"ROWPATCH_SET": "team=x"}, "set ROWPATCH_SET_NAME=VALUE"),
        (["--api", "desk.toml"], {"ROWPATCH_SET_SUBDOMAIN": "a/b"}, "not an origin"),
        (["--api", "desk.toml", "--url", "https://a.example/v1?key=1"], {}, "write an origin and perhaps a path"),
        (["--plan", "runs/x", "--api", "desk.toml"], {}, "--plan takes its sheet, API and directory from the plan"),
    ],
)
def test_an_api_that_cannot_be_used_exits_2_and_leaves_nothing(
    offline: Desk, flags: list[str], also: dict[str, str], says: str
) -> None:
    sheet = [] if "--plan" in flags else [offline.sheet]
    ran = offline.rowpatch("apply", *sheet, "--type", "tickets", *flags, also=also)
    assert ran.status == 2
    assert says in said(ran)
    assert not (offline.folder / "runs").exists() or not list((offline.folder / "runs").iterdir())


def test_a_plan_keeps_its_api_whatever_the_environment_says(tmp_path: Path) -> None:
    with sandbox("--seed", "skus=1", "--limit", "none") as server:
        desk = Desk(tmp_path, server)
        desk.write([(seeded_id("skus", 0), "new")])
        flags = ("--run-dir", desk.run, "--no-progress")
        assert desk.rowpatch("plan", desk.sheet, "--type", "skus", *flags).status == 0
        done = desk.rowpatch("apply", "--plan", desk.run, "--no-progress", also={"ROWPATCH_API": "gone.toml"})
        assert (done.status, desk.statuses()) == (0, ["applied"])


def test_a_copy_of_the_default_description_does_what_that_does_and_what_was_changed_in_it(tmp_path: Path) -> None:
    with sandbox("--seed", "orders=3", "--seed", "transactions=4", "--limit", "none") as server:
        desk = Desk(tmp_path, server)
        shown = desk.rowpatch("apis", "show", "commercelayer", "--source")
        assert 'code = "commercelayer"' in shown.out
        (tmp_path / "same.toml").write_text(shown.out, encoding="utf-8")
        changed = shown.out.replace('rate = "30/60s"', 'rate = "10/60s"').replace("max_ids = 25", "max_ids = 2")
        (tmp_path / "changed.toml").write_text(changed, encoding="utf-8")
        orders = [seeded_id("orders", number) for number in range(3)]
        records = [*(("orders", each) for each in orders), *(("transactions", seeded_id("transactions", 0)),)]
        for copy, keeps in (("same", False), ("changed", True)):
            api = ("--api", f"{copy}.toml")
            header, run = ("type", "id", "reference", "metadata.batch"), desk.folder / copy
            desk.write([(*each, f"{copy}-{number}", copy) for number, each in enumerate(records)], header)
            flags = ("--run-dir", run, "--no-progress")
            assert desk.rowpatch("check", desk.sheet, *api).status == 0
            done = desk.rowpatch("apply", desk.sheet, *api, *flags)
            assert (done.status, "4 rows: 4 applied" in done.out) == (0, True), done
            assert ((run / "api.toml").exists(), "The API is commercelayer" in done.err) == (keeps, keeps)
            desk.write([(f"{copy}-0", f"looked up by {copy}")], ("reference", "metadata.batch"))
            found = desk.rowpatch("apply", desk.sheet, "--type", "orders", *api, "--no-progress")
            assert (found.status, "1 row: 1 applied" in found.out) == (0, True), found
            assert desk.rowpatch("verify", run).status == 1  # the order that was changed since
            undone = desk.rowpatch("undo", run, "--run-dir", desk.folder / f"{copy}-undo", "--no-progress")
            assert (undone.status, "4 rows: 3 applied" in undone.out) == (1, True), undone


def test_a_uniform_api_has_types_of_any_name(tmp_path: Path) -> None:
    uniform = (
        'name = "uniform"\nbase_url = "{server}"\n[resources."*"]\npath = "/{type}/{id}"\n'
        'read_many = { path = "/{type}", query = { ids = "{ids}" }, records = "/data" }\n'
    )
    (tmp_path / "uniform.toml").write_text(uniform, encoding="utf-8")
    flags = ("--api", str(tmp_path / "uniform.toml"))
    with announced(tmp_path, *flags, "--seed", "cars=3", "--seed", "boats=2") as bench:
        rows = [(kind, key, "Zoë") for kind, keys in bench.announced["examples"].items() for key in keys]
        desk = Desk(tmp_path, Server("", "", "", ""))
        desk.write([*rows, ("no/type", "1", "x")], ("type", "id", "name"))
        assert "5 can be sent, 1 cannot" in bench.rowpatch("uniform.toml", "check", "sheet.csv").out
        planned = bench.rowpatch("uniform.toml", "plan", "sheet.csv", "--run-dir", "plan")
        assert (planned.status, bench.writes()) == (1, 0)
        done = bench.rowpatch("uniform.toml", "apply", "--plan", "plan", "--no-progress")
        assert "6 rows: 5 applied, 1 invalid" in done.out
        assert {each["name"] for each in bench.documents("boats").values()} == {"Zoë"}
        probed = bench.rowpatch("uniform.toml", "probe", "--type", "cars", "--set", f"id={rows[0][1]}", "--yes")
        assert probed.status == 0, probed
        undone = bench.rowpatch("uniform.toml", "undo", "plan", "--run-dir", "undo", "--no-progress")
        assert (undone.status, "5 applied" in undone.out) == (0, True), undone
        assert "any of letters, digits" in bench.rowpatch("uniform.toml", "probe", "--yes").err


def test_triggers_of_a_described_api_have_any_name(offline: Desk) -> None:
    flags = ("--type", "tickets", "--url", "http://127.0.0.1:1", "--allow-trigger", "notify")
    refused = offline.rowpatch("apply", offline.sheet, *flags)
    assert "Try _notify" in said(refused)
    described = offline.rowpatch("apply", offline.sheet, *flags, "--api", "desk.toml", "--expect-mode", "live")
    assert (described.status, "Try _notify" in said(described)) == (2, False)
    assert "desk does not tell test from live data: leave out --expect-mode." in said(described)
    assert said(described).startswith(
        "The API is desk, at http://127.0.0.1:1, with a bearer token; limits: those that its replies tell."
        " desk: A list of tags is replaced"
    )


def test_a_description_that_is_refused_exits_2(offline: Desk) -> None:
    (offline.folder / "desk.toml").write_text(DESK.replace("[auth]", "[auht]"))
    assert offline.rowpatch("apply", offline.sheet, "--api", "desk.toml").status == 2
