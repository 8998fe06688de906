"""Which API a command is for, and its variables: flags go before the environment, and that before defaults."""

from pathlib import Path

import pytest

from jobs.apis.registry import DEFAULT, constants_of
from tests.desk_api import DESK, desk_file
from worker.cli.chosen import chosen_api
from worker.cli.flags import ApiFlags
from worker.settings import ConfigError


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("API", "SET", "SET_REGION", "SET_TEAM", "SET_SUBDOMAIN"):
        monkeypatch.delenv(f"ROWPATCH_{name}", raising=False)
    return str(desk_file(tmp_path))


def test_without_a_name_it_is_commerce_layer() -> None:
    assert chosen_api(ApiFlags()).name == DEFAULT
    assert chosen_api(ApiFlags(api="commercelayer")).name == DEFAULT


def test_the_environment_names_one_and_a_flag_goes_before_it(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    monkeypatch.setenv("ROWPATCH_API", file)
    assert chosen_api(ApiFlags()).name == "desk"
    assert chosen_api(ApiFlags(api="commercelayer")).name == DEFAULT


@pytest.mark.parametrize(
    ("flags", "environment", "region"),
    [
        ((), {}, "eu"),  # the default of the description
        ((), {"ROWPATCH_SET_REGION": "us"}, "us"),
        (("region=ap",), {"ROWPATCH_SET_REGION": "us"}, "ap"),
        (("region=a=b",), {}, "a=b"),  # only the first sign parts
        (("region=",), {"ROWPATCH_SET_REGION": "us"}, ""),  # said to be empty
        ((), {"ROWPATCH_SET_REGION": ""}, "eu"),
        (("region=us", "region=us"), {}, "us"),
        ((), {"ROWPATCH_SET_OF_ANOTHER_API": "x"}, "eu"),  # a profile may hold variables of several
    ],
)
def test_a_flag_goes_before_the_environment_and_that_before_the_default(
    monkeypatch: pytest.MonkeyPatch, file: str, flags: tuple[str, ...], environment: dict[str, str], region: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert constants_of(chosen_api(ApiFlags(file, flags))).get("region", "") == region


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("subdomain",), "--set subdomain: write NAME=VALUE"),
        (("=x",), "write NAME=VALUE"),
        (("subdomian=acme",), "desk has no such variable; did you mean subdomain?"),
        (("zzz=1",), "there are id, region, subdomain, team"),
        (("team=a", "team=b"), "given twice"),
        (("team=a\nb",), "cannot be shown"),
        (("team=\udcff",), "cannot be shown"),  # an argument that is not UTF-8
    ],
)
def test_a_variable_that_there_is_not_is_refused_with_the_nearest(file: str, flags: tuple[str, ...], says: str) -> None:
    with pytest.raises(ConfigError, match=says.replace("?", r"\?")):
        chosen_api(ApiFlags(file, flags))


def test_commerce_layer_has_one_variable() -> None:
    with pytest.raises(ConfigError, match="commercelayer has no such variable; there are organization"):
        chosen_api(ApiFlags(None, ("region=eu",)))
    assert constants_of(chosen_api(ApiFlags(None, ("organization=acme",)))) == {"organization": "acme"}


def test_the_environment_gives_each_variable_by_its_own_name(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    monkeypatch.setenv("ROWPATCH_SET", "region=us")
    with pytest.raises(ConfigError, match="set ROWPATCH_SET_NAME=VALUE"):
        chosen_api(ApiFlags(file))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.toml", None, "Cannot read .*absent.toml: No such file"),
        ("folder/", None, "Cannot read"),
        ("bytes.toml", b"name = '\xff'", "not UTF-8"),
        ("large.toml", b"#" * (1 << 21), "too large"),
        ("odd.toml", b"name = ", "odd.toml"),
        ("odd.toml", DESK.replace("name =", "nmae =").encode(), "odd.toml"),
    ],
)
def test_a_file_that_describes_nothing_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        chosen_api(ApiFlags(f"{tmp_path}/{name}"))


def test_a_name_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "commercelayr").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="did you mean commercelayer"):
        chosen_api(ApiFlags("commercelayr"))
