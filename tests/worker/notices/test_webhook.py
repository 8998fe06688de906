"""A notice by a webhook: its address is a secret, its replies are not trusted."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.worker.notices.hooks import hooks
from worker.lane.network import Route
from worker.notices.webhook import Webhook, address, post
from worker.settings import ConfigError

SECRET = "T0/s3cr3t"


@pytest.mark.parametrize("url", ["https://hooks.example.com/T0?x=1", "http://127.0.0.1:8000/a", "http://localhost/"])
def test_an_address_is_read_from_a_file_or_a_variable(tmp_path: Path, url: str) -> None:
    file = tmp_path / "hook"
    file.write_text(f"{url}\n")
    assert address(Webhook(url_file=file), {}).get_secret_value() == url
    assert address(Webhook(url_env="HOOK"), {"HOOK": f" {url} "}).get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "", f"http://hooks.example.com/{SECRET}", f"ftp://a.example/{SECRET}", f"hooks.example.com/{SECRET}",
        f"https://user:{SECRET}@a.example/", f"https://a.example/{SECRET} x", f"https://a.example/{SECRET}\nx",
        f"https://a.example:99999/{SECRET}", f"https://[::1/{SECRET}", f"https://a.example/\u00e9{SECRET}",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The address in the variable HOOK cannot be used") as caught:
        address(Webhook(url_env="HOOK"), {"HOOK": url})
    assert SECRET not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"Cannot read {tmp_path}/none: No such file"):
        address(Webhook(url_file=tmp_path / "none"), {})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=f"Cannot read {tmp_path}/binary: it is no text"):
        address(Webhook(url_file=tmp_path / "binary"), {})


@pytest.mark.parametrize(
    ("statuses", "tries", "why"),
    [
        ((200,), 1, ""),
        ((204,), 1, ""),
        ((503, 200), 2, ""),
        ((429, 200), 2, ""),
        ((0, 200), 2, ""),
        ((500, 500, 200), 2, "the server replied with status 500"),
        ((0,), 2, "the server did not reply"),
        ((404,), 1, "the server replied with status 404"),
        ((302,), 1, "the server replied with status 302"),  # nobody is led elsewhere
        ((307,), 1, "the server replied with status 307"),
    ],
)
async def test_a_digest_is_posted_once_and_a_second_time_where_that_may_help(
    statuses: tuple[int, ...], tries: int, why: str
) -> None:
    with hooks(*statuses) as server:
        assert await post(SecretStr(f"{server.url}/{SECRET}?a=b"), {"job": "prices"}, pause=0) == why
    assert [(path, kind) for path, kind, _ in server.seen] == [(f"/{SECRET}?a=b", "application/json")] * tries
    assert json.loads(server.seen[0][2]) == {"job": "prices"}


async def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with hooks(200) as server:
        pass
    assert await post(SecretStr(f"{server.url}/{SECRET}"), {}, pause=0) == "the server cannot be reached"


async def test_an_address_does_not_pass_a_proxy_in_the_clear() -> None:
    route = Route(proxy="http://proxy.example:3128")
    assert "a proxy could read" in await post(SecretStr(f"http://127.0.0.1:1/{SECRET}"), {}, route)
