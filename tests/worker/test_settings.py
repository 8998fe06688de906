"""Settings: checked where they come in, with messages that name the flag and what to write instead."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from jobs.apis.auth import Auth, Grant
from jobs.apis.described.auth import auth_of
from jobs.apis.description.model import AuthDescription
from worker.policy.pace import Window
from worker.settings import (
    TOKEN_OR_CLIENT,
    ConfigError,
    Input,
    Pacing,
    Secrets,
    Settings,
    Stopping,
    Target,
    build,
    checked_base_url,
    checked_origin,
    checked_url,
    is_live,
    is_loopback,
    origin_of_url,
    parse_rate,
    parse_stop_after,
    read_secrets,
    state_directory,
)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://acme.commercelayer.io", "https://acme.commercelayer.io"),
        ("https://acme.commercelayer.io/", "https://acme.commercelayer.io"),  # a trailing slash
        ("https://acme.commercelayer.io/api", "https://acme.commercelayer.io"),  # copied from the documentation
        ("HTTPS://Acme.Example:8443", "https://acme.example:8443"),  # scheme and host in lower case
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),  # plain http to this machine
        ("http://localhost", "http://localhost"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_origin_is_brought_into_one_form(text: str, origin: str) -> None:
    assert checked_origin(text) == origin


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("acme.commercelayer.io", "not an origin"),  # no scheme
        ("ftp://acme", "not an origin"),
        ("https://", "not an origin"),
        ("http://acme.commercelayer.io", "travel in the clear"),  # plain http to another machine
        ("http://localhost.evil.example", "travel in the clear"),  # only looks like this machine
        ("https://me:pw@acme.io", "bare origin"),  # a secret in the URL
        ("https://acme.io/v2", "bare origin"),  # a path
        ("https://acme.io?x=1", "bare origin"),
        ("https://acme.io:99999", "no valid port"),
    ],
)
def test_what_is_no_safe_origin_is_refused(text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        checked_origin(text)
    assert "pw" not in str(error.value)


def test_only_commerce_layer_needs_a_bare_origin() -> None:
    assert checked_url("https://a.example/v2", "desk") == "https://a.example/v2"
    with pytest.raises(ConfigError, match="bare origin"):
        checked_url("https://a.example/v2", "")


INPUT = Input(source="s.csv", format="csv")


def test_settings_of_commerce_layer_are_recorded_as_they_were_before_there_were_others() -> None:
    recorded = Settings(target=Target(url="https://acme.commercelayer.io", type="skus"), input=INPUT).recorded()
    assert recorded.startswith(
        '{"target":{"url":"https://acme.commercelayer.io","type":"skus","expect_mode":""},"input":{"source":"s.csv"'
    )
    assert Settings.model_validate_json(recorded).target.api == ""


def test_another_api_and_its_variables_are_recorded() -> None:
    settings = Settings(target=Target(url="https://a.example", api="desk", variables={"region": "us"}), input=INPUT)
    assert '"api":"desk","variables":{"region":"us"}' in settings.recorded()
    assert Settings.model_validate_json(settings.recorded()) == settings


THIS_MACHINE = [
    ("http://localhost:80", "http://localhost:80"),
    ("http://LOCALHOST", "http://localhost"),  # names have no case
    ("HTTP://127.0.0.1/", "http://127.0.0.1"),
    ("http://[::1]", "http://[::1]"),
]
ELSEWHERE = [
    "http://acme.example",
    "http://localhost.evil.example",  # only begin like this machine
    "http://127.0.0.1.evil.example",
    "http://localhost.",  # a trailing dot: another name to a resolver
    "http://127.0.0.1.",
    "http://127.1",  # other spellings of 127.0.0.1, which not every resolver reads alike
    "http://127.0.0.2",
    "http://2130706433",
    "http://0x7f000001",
    "http://017700000001",
    "http://0",
    "http://0.0.0.0",
    "http://[::ffff:127.0.0.1]",  # mapped and other IPv6 forms
    "http://[0:0:0:0:0:0:0:1]",
    "http://[::]",
    "http://[::1%25eth0]",
    "http://localhost@evil.example",  # the host stands after the @
    "http://127.0.0.1:80@evil.example",
    "http://evil.example@localhost",  # and nobody is to be named before it
    "http://localhost\\@evil.example",
    "http://localhost%2eevil.example",
    "http://localhost%00.evil.example",
    "http://localhost/@evil.example",
    "http://localhost#@evil.example",
    "http://localhost?@evil.example",
    "http://local\nhost.evil.example",  # line ends vanish from a URL
    "http://localhost\t.evil.example",
    "http://\uff4cocalhost",  # full-width l
    "http://\u24db\u24de\u24d2al.example",  # circled letters
    "http:///localhost",
    "http:localhost",
    "http://",
    "//localhost",
    "file://localhost",
    "ws://localhost",
]


@pytest.mark.parametrize(("text", "origin"), THIS_MACHINE)
def test_plain_http_is_for_this_machine(text: str, origin: str) -> None:
    assert checked_origin(text) == origin
    assert read_secrets({"ROWPATCH_TOKEN": "t", "ROWPATCH_AUTH_URL": text}).auth_url == origin
    assert is_loopback(origin)


@pytest.mark.parametrize(
    ("mode", "origin", "live"),
    [
        ("live", "https://x.example", True),
        ("live", "http://127.0.0.1:9", True),
        ("", "https://x.example", True),  # nobody says that it is not
        ("", "http://localhost:9", False),
        ("test", "https://x.example", False),
        ("test", "http://127.0.0.1:9", False),
        ("staging", "http://127.0.0.1:9", True),  # a word that nobody knows
    ],
)
def test_live_data_may_be_at_stake_unless_the_credential_or_the_machine_says_otherwise(
    mode: str, origin: str, *, live: bool
) -> None:
    assert is_live(mode, origin) is live


@pytest.mark.parametrize("text", ELSEWHERE)
def test_plain_http_is_for_no_other_machine_however_it_is_written(text: str) -> None:
    with pytest.raises(ConfigError):
        checked_origin(text)
    with pytest.raises(ConfigError, match="ROWPATCH_AUTH_URL"):
        read_secrets({"ROWPATCH_TOKEN": "t", "ROWPATCH_AUTH_URL": text})


@pytest.mark.parametrize(
    ("text", "base_url", "origin"),
    [
        ("https://api.example.com", "https://api.example.com", "https://api.example.com"),
        ("https://API.Example.com/", "https://api.example.com", "https://api.example.com"),
        (" https://api.example.com/Api/v2/ ", "https://api.example.com/Api/v2", "https://api.example.com"),
        ("https://a.example:8443/x%20y/~me", "https://a.example:8443/x%20y/~me", "https://a.example:8443"),
        ("https://a.example/@me:x/(1);v=2", "https://a.example/@me:x/(1);v=2", "https://a.example"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080"),
        ("http://[::1]:80/v1", "http://[::1]:80/v1", "http://[::1]:80"),
    ],
)
def test_a_base_url_may_have_a_path(text: str, base_url: str, origin: str) -> None:
    assert checked_base_url(text) == base_url
    assert checked_base_url(base_url) == base_url
    assert origin_of_url(base_url) == origin


@pytest.mark.parametrize(
    "text",
    [
        *(text for text in ELSEWHERE if "/@" not in text),  # that one is a path, and on this machine
        *(f"{text}/v1" for text in ELSEWHERE if "/@" not in text),
        "",
        "api.example.com/v1",
        "https://",
        "https:///v1",
        "https://me:pw@a.example/v1",
        "https://a.example/v1?key=pw",
        "https://a.example/v1?",
        "https://a.example/v1#pw",
        "https://a.example/v1#",
        "https://a.example/a//b",
        "https://a.example//evil.example",
        "https://a.example/../x",
        "https://a.example/x/.",
        "https://a.example/x y",
        "https://a.example/é",
        "https://a.example/100%",
        "https://a.example/{version}",
        "https://a.example\\@evil.example/v1",
        "https://a.example:99999/v1",
        "https://a.example:0/v1",
        "https://[/v1",
        "http://a.example/v1",
    ],
)
def test_what_is_no_base_url_is_refused_without_the_secret_in_it(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked_base_url(text)
    assert "pw" not in str(error.value)


@given(st.text(), st.text(st.sampled_from("/.%?#@:\\2eEaZ \n"), max_size=12))
def test_a_base_url_is_its_origin_and_a_plain_path(host: str, path: str) -> None:
    for text in (host, f"https://{host}/{path}", f"https://a.example/{path}"):
        try:
            url = checked_base_url(text)
        except ConfigError:
            continue
        origin = origin_of_url(url)
        assert checked_origin(origin) == origin
        assert url.removeprefix(origin) == "" or url.removeprefix(origin).startswith("/")
        assert not {"..", "."} & set(url.removeprefix(origin).split("/"))


@pytest.mark.parametrize(
    "text",
    [
        "me:pw@acme.example",  # no scheme
        "https://me:pw@acme.example",
        "https://me:pw@acme.example:99999",  # no port
        "https://me:p@pw@acme.example",
        "http://me:pw@acme.example",
        "ftp://pw@acme.example",
        "https://me:pw@[",
    ],
)
def test_no_refusal_of_a_url_shows_the_password_in_it(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        checked_origin(text)
    assert "pw" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("50/10s,200/60s", ((50, 10.0), (200, 60.0))),
        ("200/m", None),  # no number of units
        ("100/0.5s", ((100, 0.5),)),
        ("100/500ms", ((100, 0.5),)),
        ("5000/1h", ((5000, 3600.0),)),
        (" 1 / 1 m ", ((1, 60.0),)),
        ("0/1s", None),  # lets nothing through
        ("10/0s", None),
        ("", None),
        ("ten/1s", None),
        ("10/1s;5/1s", None),
    ],
)
def test_a_rate_is_a_list_of_windows(text: str, windows: tuple[tuple[int, float], ...] | None) -> None:
    if windows is None:
        with pytest.raises(ConfigError, match="write windows like 50/10s,200/60s"):
            parse_rate(text)
    else:
        assert parse_rate(text) == windows


def test_a_threshold_is_rows_or_a_share() -> None:
    assert parse_stop_after("100") == {"rows": 100, "share": None}
    assert parse_stop_after("2.5%") == {"rows": None, "share": 2.5}
    for wrong in ("0", "-1", "101%", "many", "%"):
        with pytest.raises(ConfigError, match="--stop-after"):
            parse_stop_after(wrong)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"concurrency": 0}, "--concurrency: input should be greater than or equal to 1"),
        ({"concurrency": 1001}, "--concurrency"),
        ({"headroom": 100}, "--headroom"),
        ({"nonsense": 1}, "--nonsense: extra inputs are not permitted"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_flag(values: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        build(Pacing, values)
    assert str(error.value).startswith(says)


def test_settings_survive_the_journal() -> None:
    settings = Settings(
        target=Target(url="https://acme.commercelayer.io", type="orders"),
        input=Input(source="a.csv", format="csv", allow_triggers=("_refresh",), limit=5),
        pacing=Pacing(rate=((50, 10.0),), headroom=0),
        stopping=Stopping(share=5),
    )
    assert Settings.model_validate_json(settings.model_dump_json()) == settings
    assert settings.pacing.ceiling == (Window(50, 10.0),)


def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n")
    environment = {"ROWPATCH_CLIENT_ID": "me", "ROWPATCH_CLIENT_SECRET_FILE": str(secret)}
    secrets = read_secrets(environment)
    assert secrets.client_secret == SecretStr("s3cr3t")
    assert secrets.renewable
    assert not read_secrets({"ROWPATCH_TOKEN": "t"}).renewable


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "No credential"),
        ({"ROWPATCH_CLIENT_ID": "me"}, "belong together"),  # half a pair
        ({"ROWPATCH_TOKEN_FILE": "/nowhere/token"}, "cannot read /nowhere/token"),
        ({"ROWPATCH_TOKEN": "t", "ROWPATCH_AUTH_URL": "http://auth.example"}, "in the clear"),
    ],
)
def test_a_missing_or_half_credential_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_secrets(environment)


def auth(kind: str) -> Auth:
    return auth_of(AuthDescription(type=kind, token_url="https://auth.example/t"), {})  # type: ignore[arg-type]


TWO = {"ROWPATCH_USERNAME": "me", "ROWPATCH_PASSWORD": "pw"}
ALL = {
    **TWO,
    "ROWPATCH_TOKEN": "t",
    "ROWPATCH_CLIENT_ID": "id",
    "ROWPATCH_CLIENT_SECRET": "cs",
    "ROWPATCH_API_KEY": "k",
    "ROWPATCH_AUTH_URL": "https://auth.example",
}


@pytest.mark.parametrize(
    ("kind", "read"),
    [
        ("bearer", {"token": "t"}),
        ("basic", {"username": "me", "password": "pw"}),
        ("api_key", {"api_key": "k"}),
        (
            "oauth2_client_credentials",
            {"token": "t", "client_id": "id", "client_secret": "cs", "auth_url": "https://auth.example"},
        ),
        ("none", {}),
    ],
)
def test_only_the_secrets_that_an_api_takes_are_read(kind: str, read: dict[str, str]) -> None:
    assert read_secrets(ALL, auth(kind)) == Secrets(**read)


@pytest.mark.parametrize(
    ("kind", "environment", "says"),
    [
        ("bearer", {}, "No credential. Set ROWPATCH_TOKEN\n(or ROWPATCH_TOKEN_FILE, ...: the name of a file that"),
        ("bearer", {"ROWPATCH_API_KEY": "k"}, "This API does not take ROWPATCH_API_KEY."),
        ("api_key", {"ROWPATCH_TOKEN_FILE": "/t", **TWO}, "take ROWPATCH_TOKEN, ROWPATCH_USERNAME, ROWPATCH_PASSWORD."),
        ("api_key", {}, "Set ROWPATCH_API_KEY\n(or ROWPATCH_API_KEY_FILE"),
        ("basic", {}, "Set ROWPATCH_USERNAME and ROWPATCH_PASSWORD\n"),
        ("basic", {"ROWPATCH_USERNAME": "me"}, "ROWPATCH_USERNAME and ROWPATCH_PASSWORD belong together: set both."),
        ("oauth2_client_credentials", {}, "Set ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET\n"),
        ("oauth2_client_credentials", {"ROWPATCH_CLIENT_SECRET": "t"}, "belong together: set both, or neither."),
        ("basic", {**TWO, "ROWPATCH_USERNAME": "a:b"}, "ROWPATCH_USERNAME: a user name holds no colon"),
        ("basic", {**TWO, "ROWPATCH_PASSWORD": "a\nb"}, "ROWPATCH_PASSWORD: it holds a line end"),
        ("api_key", {"ROWPATCH_API_KEY": "Bearer k"}, "leave out the word Bearer"),
        ("api_key", {"ROWPATCH_API_KEY": "a b"}, "quotes, white space"),
    ],
)
def test_what_is_missing_is_said_for_the_scheme(kind: str, environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_secrets(environment, auth(kind))
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("written", "password"),
    [("pä ss", "pä ss"), (' "quoted" ', ' "quoted" '), ("Bearer x", "Bearer x"), ("", "")],  # "": the name is a key
)
def test_a_password_is_taken_as_it_is(written: str, password: str) -> None:
    secrets = read_secrets({**TWO, "ROWPATCH_PASSWORD": written}, auth("basic"))
    assert secrets.of(("username", "password")) == ("me", password)


def test_a_password_file_ends_with_a_line_end_that_is_not_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(" p w \n")
    environment = {"ROWPATCH_USERNAME": "me", "ROWPATCH_PASSWORD_FILE": str(tmp_path / "pw"), "ROWPATCH_PASSWORD": ""}
    assert read_secrets(environment, auth("basic")).of(("password",)) == (" p w ",)


def test_requests_carry_a_token_or_the_secrets_at_hand_never_those_of_a_client() -> None:
    without_token = {name: value for name, value in ALL.items() if name != "ROWPATCH_TOKEN"}
    client = read_secrets(without_token, auth("oauth2_client_credentials"))
    needs = auth("oauth2_client_credentials").needs
    assert client.at_hand(needs) == ()
    issued = client.with_token(Grant("t2", 60.0, "https://a.example/v1"), 1000.0)
    assert issued.at_hand(needs) == ("t2",)
    assert (issued.expires_at, issued.url) == (1060.0, "https://a.example/v1")
    assert client.with_token(Grant("t2"), 1000.0).expires_at is None
    assert read_secrets(ALL).at_hand(TOKEN_OR_CLIENT) == ("t",)
    assert read_secrets(ALL, auth("basic")).at_hand(auth("basic").needs) == ("me", "pw")


def test_no_secret_of_any_scheme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    secrets = Secrets(**{name: SecretStr("s3cr3t") for name in ("username", "password", "api_key", "client_secret")})
    print(secrets, repr(secrets), secrets.model_dump_json())  # what a log would do
    assert "s3cr3t" not in capsys.readouterr().out


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text(" \n")
    with pytest.raises(ConfigError, match="is empty"):
        read_secrets({"ROWPATCH_TOKEN_FILE": str(empty)})


def test_learned_limits_live_in_the_state_directory_of_the_user() -> None:
    assert state_directory({"XDG_STATE_HOME": "/s"}) == Path("/s/rowpatch")
    assert state_directory({}).parts[-3:] == (".local", "state", "rowpatch")


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /tmp/rowpatch-UID: the user has no home, as in some containers."""

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"rowpatch-{os.getuid()}"


def test_a_user_without_a_home_has_a_private_state_directory(shared: Path) -> None:
    assert [state_directory({}), state_directory({})] == [shared, shared]
    assert (shared.stat().st_uid, shared.stat().st_mode & 0o777) == (os.getuid(), 0o700)


def a_link(path: Path) -> None:
    path.with_name("elsewhere").mkdir(mode=0o700)
    path.symlink_to(path.with_name("elsewhere"))


def writable_by_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize(
    "made",
    [
        a_link,
        lambda path: path.symlink_to("nowhere"),
        writable_by_all,
        Path.touch,
    ],
)
def test_a_state_directory_that_somebody_else_may_have_made_is_refused(
    shared: Path, made: Callable[[Path], object]
) -> None:
    made(shared)
    with pytest.raises(ConfigError, match="is not yours alone: set XDG_STATE_HOME"):
        state_directory({})


def test_a_state_directory_of_another_user_is_refused(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    another = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: another)
    shared.with_name(f"rowpatch-{another}").mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="is not yours alone"):
        state_directory({})


def test_a_name_that_is_no_text_is_refused_in_words() -> None:
    settings = Settings(target=Target(url="https://a.example"), input=Input(source="s\udcff.csv", format="csv"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        settings.recorded()
