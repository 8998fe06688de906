"""Nothing goes anywhere but to the origin of --url and to the token endpoint, whatever a reply asks for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.e2e.scripted_server import JSON_API, Answer, Asked, Scripted, confirmed, scripted_server
from worker.cli import run

REDIRECTS = [301, 302, 303, 307, 308]
FLAGS = ["--type", "stripe_payments", "--run-dir", "run", "--no-progress", "--max-attempts", "1"]


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    """Another origin, which would be glad to serve everything."""
    with scripted_server(serving) as server:
        yield server


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    monkeypatch.chdir(tmp_path)
    Path("sheet.csv").write_text("id,reference\nA,1\n")
    with scripted_server(serving) as server:
        monkeypatch.setenv("ROWPATCH_URL", server.url)
        monkeypatch.setenv("ROWPATCH_TOKEN", "opaque-token")
        yield server


def serving(asked: Asked) -> Answer:
    """A small API that has every record, and hands out tokens."""
    if asked.method == "PATCH":
        return confirmed(asked)
    if asked.method == "POST":
        return document({"access_token": "granted", "token_type": "Bearer", "expires_in": 7200})
    one = {"id": "A", "type": "stripe_payments", "attributes": {"reference": "0"}}
    return document({"data": [one] if "?" in asked.path else one})


def document(members: dict[str, object]) -> Answer:
    return Answer(body=json.dumps(members).encode(), headers=dict(JSON_API))


def is_page(asked: Asked) -> bool:
    return asked.method == "GET" and "?" in asked.path


def is_record(asked: Asked) -> bool:
    return asked.method == "GET" and "?" not in asked.path


def is_update(asked: Asked) -> bool:
    return asked.method == "PATCH"


def is_token(asked: Asked) -> bool:
    return asked.method == "POST"


ENDS: dict[Callable[[Asked], bool], int] = {is_record: 0, is_update: 1, is_page: 3, is_token: 3}
"""Exit status by what is redirected: without reads or a token there is no run."""


@pytest.mark.parametrize("code", REDIRECTS)
@pytest.mark.parametrize("which", [is_update, is_page, is_record, is_token])
def test_a_redirect_takes_nothing_to_another_origin(
    which: Callable[[Asked], bool], code: int, api: Scripted, elsewhere: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(asked: Asked) -> Answer:
        place = {"Location": f"{elsewhere.url}{asked.path}"}
        return Answer(code, b"", place) if which(asked) else serving(asked)

    api.script = script
    if which is is_token:
        monkeypatch.delenv("ROWPATCH_TOKEN")
        monkeypatch.setenv("ROWPATCH_CLIENT_ID", "me")
        monkeypatch.setenv("ROWPATCH_CLIENT_SECRET", "s3cr3t")
        monkeypatch.setenv("ROWPATCH_AUTH_URL", api.url)
    assert run(["apply", "sheet.csv", *FLAGS]) == ENDS[which]
    assert [asked for asked in api.asked if which(asked)]
    assert elsewhere.asked == []


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirected_update_is_rejected_and_never_taken_for_a_success(
    status: int, api: Scripted, elsewhere: Scripted
) -> None:
    api.script = lambda asked: (
        Answer(status, b"", {"Location": f"{elsewhere.url}{asked.path}"}) if asked.method == "PATCH" else serving(asked)
    )
    assert run(["apply", "sheet.csv", *FLAGS]) == 1
    assert "rejected,redirected," in Path("run/results.csv").read_text(encoding="utf-8-sig")
    assert elsewhere.asked == []


def test_what_a_reply_names_is_not_looked_up_anywhere(api: Scripted, elsewhere: Scripted) -> None:
    links = {"self": elsewhere.url, "next": f"{elsewhere.url}/api/stripe_payments?page[number]=2"}
    headers = {
        **JSON_API,
        "Link": f'<{elsewhere.url}/x>; rel="next preload"',
        "Refresh": f"0; url={elsewhere.url}",
        "Content-Location": elsewhere.url,
        "Alt-Svc": f'h2="{elsewhere.url.removeprefix("http://")}"',
        "Location": elsewhere.url,
        "WWW-Authenticate": f'Bearer realm="{elsewhere.url}"',
    }

    def script(asked: Asked) -> Answer:
        answer = serving(asked)
        return Answer(200, json.dumps({**json.loads(answer.body), "links": links}).encode(), headers)

    api.script = script
    assert run(["apply", "sheet.csv", *FLAGS, "--canary", "0"]) == 0
    assert elsewhere.asked == []
