"""`rowpatch probe` against vendors' fakes: it finds what they do, and leaves their records as they were."""

import asyncio
import copy
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobs.apis.description.loading import load
from tests.system.e2e.program import Desk, Process, Server, ended, until
from tests.system.e2e.terminal import terminal
from tests.system.vendors import jsonapi, keycloak, kinto
from tests.system.vendors.base import FakeVendor

KINTO = """
name = "kinto"
settle_s = 0.3
[auth]
type = "basic"
[resources.things]
path = "/v1/buckets/shop/collections/things/records/{id}"
record = "/data"
update = { wrap = "/data" }
precondition = { headers = { If-Match = "{@ETag}" } }
"""

ARTICLES = """
name = "papers"
settle_s = 0.3
[auth]
type = "bearer"
[resources.articles]
path = "/articles/{id}"
record = "/data"
values = "/attributes"
update = { format = "json_api" }
read_many = { path = "/articles", query = { "filter[id]" = "{ids}" }, records = "/data", max_ids = 20 }
"""

USERS = """
name = "keycloak"
settle_s = 0.3
[auth]
type = "oauth2_client_credentials"
token_url = "{issuer}/realms/shop/protocol/openid-connect/token"
[resources.users]
path = "/admin/realms/shop/users/{id}"
update = { method = "PUT" }
"""

ARTICLE, USER = "1", keycloak.user_id(1)


@dataclass(frozen=True)
class Case:
    """A vendor's fake, with a description and the credential that it takes."""

    fake: FakeVendor
    text: str
    key: str
    type: str
    secrets: Mapping[str, str]


def kinto_case(**how: Any) -> Case:
    secrets = {"ROWPATCH_USERNAME": kinto.USER, "ROWPATCH_PASSWORD": kinto.PASSWORD}
    return Case(kinto.Fake(**how), KINTO, "thing-1", "things", secrets)


def articles(text: str = ARTICLES, **how: Any) -> Case:
    records = jsonapi.some(2)
    records["1"]["attributes"]["options"] = {"a": 1, "b": 2}
    return Case(jsonapi.Fake(records, **how), text, ARTICLE, "articles", {"ROWPATCH_TOKEN": jsonapi.TOKEN})


def users(**how: Any) -> Case:
    secrets = {"ROWPATCH_CLIENT_ID": keycloak.CLIENT_ID, "ROWPATCH_CLIENT_SECRET": keycloak.CLIENT_SECRET}
    return Case(keycloak.Fake(**how), USERS, USER, "users", secrets)


@contextmanager
def served(fake: FakeVendor) -> Iterator[str]:
    """Serve a fake on a thread of its own until the block ends; gives its URL."""
    ready, urls, loop, done = threading.Event(), list[str](), asyncio.new_event_loop(), asyncio.Event()

    async def main() -> None:
        async with fake.serving() as url:
            urls.append(url)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), name="vendor")
    thread.start()
    try:
        assert ready.wait(10)
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


@dataclass(frozen=True)
class Bench:
    """A vendor that is served, and a folder with its description."""

    case: Case
    desk: Desk

    @property
    def secrets(self) -> Mapping[str, str]:
        return {"ROWPATCH_TOKEN": "", **self.case.secrets}

    @property
    def arguments(self) -> list[str]:
        """Of a probe that is not asked, and kept in `run`."""
        return ["probe", "--api", "api.toml", "--type", self.case.type, "--run-dir", "run"]

    @property
    def record(self) -> dict[str, Any]:
        return self.case.fake.records[self.case.key]

    def probe(self, *more: str) -> tuple[int, dict[str, Any]]:
        """Probe the record; the exit status, and what was found."""
        arguments = [*self.arguments, "--set", f"id={self.case.key}", "--yes", "--json", *more]
        ran = self.desk.rowpatch(*arguments, also=self.secrets)
        return ran.status, json.loads(ran.out)

    def start(self, *more: str) -> Process:
        arguments = [*self.arguments, "--set", f"id={self.case.key}", "--yes", *more]
        return self.desk.start(*arguments, also=self.secrets)


@contextmanager
def bench(case: Case, folder: Path) -> Iterator[Bench]:
    with served(case.fake) as url:
        (folder / "api.toml").write_text(case.text.replace("{issuer}", url), encoding="utf-8")
        yield Bench(case, Desk(folder, Server(url, "", "", "")))


def facts_of(document: Mapping[str, Any]) -> dict[str, str]:
    return {each["fact"]: each["found"] for each in document["facts"]}


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without the time stamps that each update leaves."""
    found = copy.deepcopy(dict(record))
    found.pop("last_modified", None)
    found.get("attributes", {}).pop("updated-at", None)
    return found


VENDORS: dict[str, tuple[Callable[[], Case], list[str], dict[str, str]]] = {
    "kinto": (
        kinto_case,
        ["--field", "stock.here:int", "--value", "77"],
        {
            "record": "at /data",
            "no-op": "accepted: 200; changes nothing",
            "echo": "200, the whole record",
            "write stock.here": "taken as it was sent",
            "merge stock": "replace: members that are not sent are gone",
            "clear stock.here by null": "works: null is stored",
            "clear stock.here by omit": "works: it is gone",
            "version": "reads show etag, last-modified; an update that changes nothing changes none;"
            " an update changes etag, last-modified, /last_modified",
            "limits": "no header tells any",
        },
    ),
    "json:api": (
        lambda: articles(rate=(50, 10.0)),
        ["--field", "options.a:int", "--value", "77", "--unknown-field", "colour"],
        {
            "values": "4 members",
            "read_many": "works: the same values",
            "no-op": "accepted: 200; changes /attributes/updated-at",
            "merge options": "replace: members that are not sent are gone",
            "unknown member colour": "refused: 422: colour: colour is not known",
            "limits": "50 in 10 s (ratelimit-policy, ratelimit)",
        },
    ),
    "json:api that drops": (
        lambda: articles(reply="no_content", unknown="drop"),
        ["--unknown-field", "colour"],
        {
            "echo": "204, nothing: updates are read back",
            "unknown member colour": "silently dropped: 204, and no read shows it",
        },
    ),
    "keycloak": (
        users,
        ["--field", "firstName", "--value", "Probed", "--unknown-field", "colour"],
        {
            "echo": "204, nothing: updates are read back",
            "other members": "kept",
            "unknown member colour": 'refused: 400: Unrecognized field "colour" (class UserRepresentation), not marked'
            " as ignorable",
        },
    ),
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_finds_what_a_vendor_does_and_leaves_the_record_as_it_was(vendor: str, tmp_path: Path) -> None:
    make, flags, expected = VENDORS[vendor]
    with bench(make(), tmp_path) as on:
        before = plain(on.record)
        status, document = on.probe(*flags)
        assert plain(on.record) == before
    assert {name: facts_of(document).get(name) for name in expected} == expected
    assert (status, document["contradictions"], document["put_back"]) == (0, 0, True)


def test_a_server_that_clears_what_is_not_sent_is_found_out_and_mended(tmp_path: Path) -> None:
    case = users(clears="always")
    with bench(case, tmp_path) as on:
        before = plain(on.record)
        status, document = on.probe("--field", "firstName", "--value", "Probed")
        assert plain(on.record) == before
    assert status == 1
    assert facts_of(document)["other members"].startswith("gone: email, lastName;")


def test_what_contradicts_is_noted_and_the_new_description_holds(tmp_path: Path) -> None:
    wrong = ARTICLES.replace('record = "/data"\nv', 'record = ""\nv') + 'fields.options = { merge = "deep" }\n'
    with bench(articles(wrong), tmp_path) as on:
        flags = ("--field", "options.a:int", "--value", "77", "--write", "better.toml")
        status, document = on.probe(*flags)
        against = {each["fact"] for each in document["facts"] if each["contradicts"]}
        assert (status, against) == (1, {"record", "merge options"})
        better = load((tmp_path / "better.toml").read_text(encoding="utf-8"), "better.toml")
        found = better.resources["articles"]
        assert (found.record, found.fields["options"].merge) == ("/data", "replace")
        assert better.verified.startswith("probe 20")
        (tmp_path / "run").rename(tmp_path / "first")
        (tmp_path / "better.toml").rename(tmp_path / "api.toml")
        assert on.probe(*flags)[0] == 0


def test_a_description_is_not_overwritten_unless_that_is_meant(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        arguments = [*on.arguments, "--set", "id=1", "--yes", "--write", "api.toml"]
        ran = on.desk.rowpatch(*arguments, also=on.secrets)
        assert (ran.status, on.case.fake.log) == (2, [])
        assert "api.toml exists already: choose another --write, or pass --force" in ran.err
        ran = on.desk.rowpatch(*arguments, "--force", also=on.secrets)
        assert ran.status == 0
        assert "verified: (not said) -> 'probe 20" in ran.err
        assert "articles: read, read_many, no-op'" in ran.err
        assert "# not tried: --field and --value" in (tmp_path / "api.toml").read_text(encoding="utf-8")


def test_the_first_row_of_a_sheet_names_the_record(tmp_path: Path) -> None:
    text = ARTICLES + "fields.title = {}\n"
    with bench(articles(text), tmp_path) as on:
        (tmp_path / "sheet.csv").write_text("id,title\n2,new\n1,newer\n", encoding="utf-8")
        ran = on.desk.rowpatch("probe", "sheet.csv", *on.arguments[1:], "--yes", "--json", also=on.secrets)
        assert json.loads(ran.out)["record"] == "2"
        assert {write.key for write in on.case.fake.history} == {"2"}
        assert on.case.fake.records["2"]["attributes"]["title"] == "Article 2"


REFUSALS = {
    "no terminal": ([], "Without a terminal, it needs --yes"),
    "no record": (["--yes"], "Which record? Name a sheet, whose first row is taken, or pass --set id=..."),
    "half a write": (["--yes", "--set", "id=1", "--field", "title"], "--field and --value belong together"),
    "the same value": (
        ["--yes", "--set", "id=1", "--field", "title", "--value", "Article 1"],
        "title has this value already",
    ),
    "no object": (
        ["--yes", "--set", "id=1", "--field", "title.x", "--value", "1"],
        "the record has no object title",
    ),
    "a known member": (["--yes", "--set", "id=1", "--unknown-field", "body"], "the record has it"),
    "a wrong type": (["--yes", "--set", "id=1", "--field", "price:int", "--value", "x"], "needs a whole number"),
    "a flag of sheets": (["--yes", "--set", "id=1", "--limit", "3"], "leave out --limit"),
    "a flag of many rows": (["--yes", "--set", "id=1", "--canary", "3"], "leave out --canary"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_it_is_refused_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    more, said = REFUSALS[case]
    with bench(articles(), tmp_path) as on:
        ran = on.desk.rowpatch(*on.arguments, *more, also=on.secrets)
        assert (ran.status, on.case.fake.history) == (2, [])
        assert said in ran.err
    assert not (tmp_path / "run").exists()


def test_a_type_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        arguments = ["probe", "--api", "api.toml", "--type", "article", "--yes", "--set", "id=1"]
        ran = on.desk.rowpatch(*arguments, also=on.secrets)
    assert (ran.status, "--type article: did you mean articles?" in ran.err) == (2, True)


def test_commerce_layer_is_no_description(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        ran = on.desk.rowpatch("probe", "--yes", "--set", "id=1", also={"ROWPATCH_TOKEN": "x"})
    assert ran.status == 2
    assert "has no variables" in ran.err


def test_a_record_that_is_not_there_is_a_fact(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        arguments = [*on.arguments, "--set", "id=99", "--yes"]
        ran = on.desk.rowpatch(*arguments, also=on.secrets)
    assert ran.status == 1
    assert "it answered 404" in ran.out
    assert not (tmp_path / "run").exists()


# ---- asked, interrupted, killed


def test_on_a_terminal_each_write_is_shown_and_asked_for(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        arguments = [*on.arguments, "--set", "id=1", "--field", "title", "--value", "made up"]
        environment = {**on.desk.environment, **on.secrets}
        with terminal(arguments, tmp_path, environment, columns=200) as screen:
            screen.read("Type yes to send it:")
            assert on.case.fake.history == []
            assert '"title":"Article 1"' in screen.shown
            screen.type("yes")
            screen.read("put the old one back")
            screen.shown = screen.shown.partition("put the old one back")[2]
            screen.read("Type yes to send it:")
            screen.type("no")
            shown = screen.read()
        assert "Nothing contradicts the description." in shown
        assert [write.after["attributes"]["title"] for write in on.case.fake.history] == ["Article 1"]


def test_a_no_at_once_leaves_no_run_behind(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        environment = {**on.desk.environment, **on.secrets}
        with terminal([*on.arguments, "--set", "id=1"], tmp_path, environment, columns=200) as screen:
            screen.read("Type yes to send it:")
            screen.type("no")
            shown = screen.read()
        assert "works: 200" in shown
        assert on.case.fake.history == []
    assert not (tmp_path / "run").exists()


def test_an_interrupt_at_the_question_writes_nothing(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        environment = {**on.desk.environment, **on.secrets}
        with terminal([*on.arguments, "--set", "id=1"], tmp_path, environment, columns=200) as screen:
            screen.read("Type yes to send it:")
            screen.type("\x03")
            screen.read()
            assert screen.process.wait() == 130
        assert on.case.fake.history == []


def held_open(on: Bench) -> bool:
    return bool(on.record["attributes"]["title"] == "made up")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_puts_the_old_value_back_before_it_ends(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    with bench(articles(lag_s=3.0), tmp_path) as on:
        process = on.start("--field", "title", "--value", "made up")
        until(lambda: held_open(on), "the write")
        process.send_signal(number)
        ran = ended(process)
        assert (ran.status, on.record["attributes"]["title"]) == (status, "Article 1")


@pytest.mark.parametrize(("field", "value"), [("title", "made up"), ("options.a:int", "77")])
def test_what_a_killed_probe_left_is_put_back_by_an_undo(field: str, value: str, tmp_path: Path) -> None:
    with bench(articles(lag_s=1.0), tmp_path) as on:
        before = plain(on.record)
        process = on.start("--field", field, "--value", value)
        until(lambda: plain(on.record) != before, "the write")
        process.kill()
        ended(process)
        assert plain(on.record) != before
        listed = on.desk.rowpatch("runs", "--in", ".")
        assert "rowpatch undo run" in listed.out
        for command in ("resume", "retry"):
            refused = on.desk.rowpatch(command, "run", also=on.secrets)
            assert refused.status == 2
            assert "run is a probe. To put back what is not yet: rowpatch undo run" in refused.err
        time.sleep(1.0)
        undone = on.desk.rowpatch("undo", "run", "--run-dir", "undo", "--no-progress", also=on.secrets)
        assert (undone.status, plain(on.record)) == (0, before)


def test_a_probe_that_ended_well_needs_no_undo(tmp_path: Path) -> None:
    with bench(articles(), tmp_path) as on:
        assert on.probe("--field", "title", "--value", "made up")[0] == 0
        assert "rowpatch" not in on.desk.rowpatch("runs", "--in", ".").out
        ran = on.desk.rowpatch("undo", "run", "--run-dir", "undo", also=on.secrets)
        assert (ran.status, ran.out.strip()) == (0, "run changed nothing: there is nothing to undo.")
        assert json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))["id"] == "1"
