"""The API of a run: recorded, kept beside the journal, and the same for every command that comes later."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from jobs.apis.api import Api
from jobs.apis.registry import DEFAULT, constants_of, description_of
from jobs.model import Edit, RowRef, RowResult, Status
from jobs.toml.loading import Refused
from jobs.toml.problems import Problem
from tests.commerce_layer import COMMERCE_LAYER
from tests.desk_api import DESK, desk_file
from tests.system.e2e.toy_api import HARBOUR
from worker.clock import Clock
from worker.files import source
from worker.files.run_directory import DESCRIPTION
from worker.journal import Image, Journal, inline
from worker.operations import apis, opening, report, runs, undo, verify
from worker.operations.apis import load_api
from worker.operations.opening import RunHandle
from worker.operations.runs import Access, RunMode
from worker.settings import ConfigError, Input, Pacing, Secrets, Settings, Target

URL = "https://acme.desk.example/eu/api"
NOW = 1_800_000_000.0
Open = Callable[[Path], AbstractContextManager[Any]]


@pytest.fixture
def sheet(tmp_path: Path) -> Input:
    (tmp_path / "sheet.csv").write_text("id,subject\n1,new\n")
    return Input(source=str(tmp_path / "sheet.csv"), format="csv")


@pytest.fixture
def desk_api(tmp_path: Path) -> Api:
    return load_api(desk_file(tmp_path), {"subdomain": "acme", "team": "x"})


def ignore(_warning: str) -> None:
    """Nobody reads the warnings."""


def begun(folder: Path, sheet: Input, api: Api | None, target: Target) -> AbstractContextManager[RunHandle]:
    return opening.begun(folder / "run", Settings(target=target, input=sheet), ignore, None, api)


async def write(journal: Journal, ref: RowRef) -> None:
    """A row that was applied."""
    async with anyio.create_task_group() as group:
        group.start_soon(journal.commit_forever, inline, lambda: NOW)
        edits = (Edit(("attributes", "subject"), "old", "new"),)
        await journal.intend(1, 1, NOW, Image(1, "tickets", "1", edits, ()))
        journal.settle(RowResult(ref, Status.APPLIED, attempts=1, at=NOW))
        journal.stop_committing()


@pytest.fixture
def run(tmp_path: Path, sheet: Input, desk_api: Api) -> Path:
    """The directory of a run that wrote one record."""
    with begun(tmp_path, sheet, desk_api, Target(type="tickets")) as handle:
        runs.register(handle, RunMode("apply"), Access(Secrets()), Clock())
        copy, settings = source.spooled_in(handle.directory, "csv"), handle.settings
        with source.opened(copy) as stream:
            (job,) = source.jobs(stream, settings.input, "tickets", handle.api.schema, lambda _: True)
        anyio.run(write, handle.journal, job.ref)
        handle.journal.end("finished", 0, "", NOW)
    return tmp_path / "run"


@contextmanager
def reported(run: Path) -> Iterator[report.Reported]:
    yield report.rewrite(run)


OPENERS: dict[str, Open] = {
    "resume": opening.opened_to_resume,
    "retry": opening.opened,
    "verify": verify.opened,
    "undo": lambda run: undo.begun(run, run.with_name("undo")),
    "report": reported,
}


def test_settings_record_the_api_its_place_and_what_is_not_as_described(run: Path) -> None:
    with opening.opened(run) as handle:
        variables = {"subdomain": "acme", "team": "x"}
        assert handle.recorded.target == Target(url=URL, type="tickets", api="desk", variables=variables)
        assert constants_of(handle.api) == {"region": "eu", **variables}


@pytest.mark.parametrize("command", OPENERS)
def test_every_later_command_takes_the_api_from_the_run(run: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "desk.toml").unlink()
    with OPENERS[command](run) as handle:
        description = description_of(handle.api)
        assert description is not None
        assert (description.name, handle.api.base_url) == ("desk", URL)


def test_rows_that_are_mended_are_applied_by_the_description_of_the_run(run: Path) -> None:
    summary = report.rewrite(run).summary
    assert summary is not None
    assert summary.refeed[:6] == ("--url", URL, "--api", f"{run}/api.toml", "--set", "subdomain=acme")


@pytest.mark.parametrize("change", ["gone", "edited"])
@pytest.mark.parametrize("command", OPENERS)
def test_a_run_whose_description_is_gone_or_changed_is_refused(run: Path, command: str, change: str) -> None:
    if change == "gone":
        (run / DESCRIPTION).unlink()
    else:
        (run / DESCRIPTION).write_text(DESK)
    with pytest.raises(ConfigError, match=r"api\.toml.*Nothing was sent"), OPENERS[command](run):
        pass
    assert not run.with_name("undo").exists()


def test_an_undo_has_a_description_of_its_own(run: Path) -> None:
    with undo.begun(run, run.with_name("undo")) as handle:
        runs.register(handle, RunMode("undo", plan="keep"), Access(Secrets()), Clock())
    shutil.rmtree(run)
    with opening.opened(run.with_name("undo")) as handle:
        assert (handle.api.name, handle.rows) == ("desk", 1)


def test_a_description_of_another_version_is_refused_in_words(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_text: str, origin: str) -> None:
        raise Refused(origin, [Problem((), "no such key")])

    monkeypatch.setattr(apis, "load", load)
    with pytest.raises(ConfigError, match=r"api\.toml: no such key\nAnother version"), opening.opened(run):
        pass


def test_a_refused_run_leaves_no_description_behind(tmp_path: Path, sheet: Input, desk_api: Api) -> None:
    with begun(tmp_path, sheet, desk_api, Target(type="tickets")):
        assert (tmp_path / "run" / DESCRIPTION).is_file()
    assert not (tmp_path / "run").exists()


def test_a_run_of_commerce_layer_has_no_description_and_names_no_api(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("id,reference\nZfiCcmIvub,a\n")
    how = Input(source=str(tmp_path / "sheet.csv"), format="csv")
    with begun(tmp_path, how, None, Target(url="https://acme.commercelayer.io/", type="skus")) as handle:
        assert handle.api.name == DEFAULT
        assert handle.settings.target == Target(url="https://acme.commercelayer.io", type="skus")
        assert "api_sha256" not in handle.journal.facts
        assert not (tmp_path / "run" / DESCRIPTION).exists()


def test_an_api_that_is_handed_in_goes_before_that_of_the_run(run: Path, desk_api: Api, tmp_path: Path) -> None:
    (run / DESCRIPTION).unlink()
    other = load_api(desk_file(tmp_path, DESK.replace('"eu"', '"us"')), {"subdomain": "other"})
    with opening.opened(run, api=other) as handle:
        assert constants_of(handle.api) == {"region": "us", "subdomain": "other"}
        assert handle.api.base_url == URL  # type: ignore[attr-defined]  # where the run is


def test_a_run_of_an_api_that_nobody_knows_here_wants_it_handed_in(tmp_path: Path) -> None:
    (tmp_path / "sheet.csv").write_text("id,name\na,Anna\n")
    how = Input(source=str(tmp_path / "sheet.csv"), format="csv")
    target = Target(url="http://127.0.0.1:9/", type="boats")
    with begun(tmp_path, how, HARBOUR, target) as handle:
        assert handle.settings.target.api == "harbour"
        runs.register(handle, RunMode("apply"), Access(Secrets()), Clock())
    with pytest.raises(ConfigError, match="'harbour', which is not known here"), opening.opened(tmp_path / "run"):
        pass
    with opening.opened(tmp_path / "run", api=HARBOUR) as handle:
        assert handle.api is HARBOUR


NOWHERE = DESK.replace("base_url", "# base_url")
ASKING = DESK.replace(
    'type = "bearer"', 'type = "oauth2_client_credentials"\ntoken_url = "https://{tenant}.example/token"'
)


@pytest.mark.parametrize(
    ("text", "variables", "url", "says"),
    [
        (DESK, {}, "", r"Where to\? https://{subdomain}.* needs --set subdomain=\.\.\.; or pass --url"),
        (DESK, {"subdomain": ""}, "", "needs --set subdomain="),
        (DESK, {"subdomain": "a/b"}, "", "not an origin"),
        (NOWHERE, {}, "", r"Where to\? Set ROWPATCH_URL or pass --url"),
        (DESK, {}, "http://desk.example", "travel in the clear"),
        (ASKING, {"subdomain": "acme"}, "", r"Asking desk for a token needs --set tenant=\.\.\."),
    ],
)
def test_a_run_does_not_begin_without_a_place(
    tmp_path: Path, sheet: Input, text: str, variables: dict[str, str], url: str, says: str
) -> None:
    api = load_api(desk_file(tmp_path, text), variables)
    with pytest.raises(ConfigError, match=says), begun(tmp_path, sheet, api, Target(url=url, type="tickets")):
        pass
    assert not (tmp_path / "run").exists()


def test_a_url_overrides_that_of_the_description_and_its_variables(tmp_path: Path, sheet: Input) -> None:
    api = load_api(desk_file(tmp_path))
    with begun(tmp_path, sheet, api, Target(url="http://127.0.0.1:9/v2/", type="tickets")) as handle:
        assert handle.settings.target.url == handle.api.base_url == "http://127.0.0.1:9/v2"  # type: ignore[attr-defined]


def to_send(handle: RunHandle) -> runs.ToSend:
    return runs.to_send(handle, RunMode("apply"), Access(Secrets(token=SecretStr("t"))))


def test_a_described_api_has_no_modes_and_tells_its_traps_before_the_first_update(run: Path) -> None:
    with opening.opened(run) as handle:
        assert not to_send(handle).has_modes
        notes = ("desk: A list of tags is replaced as a whole.", "desk: Closed tickets cannot be changed.")
        assert runs.notes(handle, RunMode("apply", plan="keep")) == notes
        assert runs.notes(handle, RunMode("plan", plan="make")) == runs.notes(handle, RunMode("resume")) == ()


def test_a_mode_cannot_be_expected_of_an_api_without_modes(run: Path) -> None:
    def expecting(settings: Settings) -> Settings:
        target = settings.target.model_copy(update={"expect_mode": "live"})
        return settings.model_copy(update={"target": target})

    with opening.opened(run, expecting) as handle, pytest.raises(ConfigError, match="leave out --expect-mode"):
        to_send(handle)


def test_settings_alone_name_an_api_that_comes_along(
    tmp_path: Path, sheet: Input, monkeypatch: pytest.MonkeyPatch, desk_api: Api
) -> None:
    monkeypatch.setattr(apis, "description_named", lambda _name: description_of(desk_api))
    target = Target(type="tickets", api="desk", variables={"subdomain": "acme"})
    with begun(tmp_path, sheet, None, target) as handle:
        assert handle.settings.target == target.model_copy(update={"url": URL})


def test_a_variable_that_was_unset_stays_so_when_the_run_goes_on(tmp_path: Path, sheet: Input) -> None:
    api = load_api(desk_file(tmp_path), {"subdomain": "acme", "region": ""})
    with begun(tmp_path, sheet, api, Target(url="https://desk.example", type="tickets")) as handle:
        assert handle.settings.target.variables == {"subdomain": "acme", "region": ""}
        assert constants_of(load_api("zendesk", {"subdomain": "x"})) == {"subdomain": "x"}
        runs.register(handle, RunMode("apply"), Access(Secrets()), Clock())
    with opening.opened(tmp_path / "run") as again:
        assert constants_of(again.api) == {"subdomain": "acme"}


LIMITED = DESK.replace("[auth]", 'limits = [{ rate = "9/1s" }, { rate = "90/60s" }, { concurrency = 2 }]\n[auth]')


@pytest.mark.parametrize(
    ("text", "pacing", "said"),
    [
        (DESK, {}, "limits: those that its replies tell."),
        (DESK, {"rate": ((50, 10.0), (1, 0.5))}, "limits: --rate 50/10s,1/0.5s."),
        (LIMITED, {"rate": ((5, 10.0),)}, "limits: 9/1s, 90/60s, 2 in flight, --rate 5/10s."),
        (LIMITED, {"discover": False}, "no limits: --rate none."),
        (
            LIMITED.replace("path =", 'limits = [{ rate = "1/1s" }, { rate = "2/5s" }]\npath ='),
            {},
            "limits: 9/1s, 90/60s, 2 in flight, 2 more.",
        ),
    ],
)
def test_a_run_says_in_a_line_where_it_goes_as_whom_and_how_fast(
    tmp_path: Path, text: str, pacing: dict[str, Any], said: str
) -> None:
    api = load_api(desk_file(tmp_path, text), {"subdomain": "acme"})
    target = Target(url="https://desk.example", type="tickets", api="desk")
    how = Settings(target=target, input=Input(source="s", format="csv"), pacing=Pacing(**pacing))
    told = apis.introduction(api, how)
    assert told == f"The API is desk, at https://desk.example, with a bearer token; {said}"
    assert apis.introduction(COMMERCE_LAYER, how) == ""
    assert apis.notes(COMMERCE_LAYER) == ()


def test_an_address_that_is_not_known_yet_comes_with_the_token() -> None:
    how = Settings(target=Target(api="salesforce"), input=Input(source="s", format="csv"))
    told = apis.introduction(load_api("salesforce", {"domain": "x"}), how)
    assert told.startswith("The API is salesforce, at the address that comes with the token, with a token")
