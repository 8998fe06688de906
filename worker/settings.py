"""Everything a user can set, in frozen groups. This is the only place with defaults, and unknown keys are refused.

The run's journal stores the settings, so that `resume` and `retry` behave as the `apply` did. That is why secrets are
not settings (see `Secrets`): no group holds one.
"""

import operator
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError, PydanticSerializationError

from jobs.apis.auth import Auth, Grant, Need, SecretName
from jobs.formats import FORMATS
from jobs.recipe.view_model import ViewRecipe
from jobs.texts import either
from worker.policy.guards import StopAfter
from worker.policy.pace import Window
from worker.policy.patience import Patience

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be reached by plain http."""


class ConfigError(Exception):
    """The command cannot run as asked: usage, configuration or a missing credential. Exit status 2."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Target(_Group):
    """Where the updates go.

    Attributes:
        url: base URL of the API, that of Commerce Layer without a path. A new run stores the one it found; until then
            it may be empty where the description of the API says it.
        type: resource type of rows that do not name one.
        expect_mode: refuse to run if the credential is for the other mode.
        api: name of the API; empty for Commerce Layer. Runs of before there were others do not name one.
        variables: of the API's description, where they differ from its defaults.
    """

    url: str = ""
    type: str = ""
    expect_mode: Literal["", "test", "live"] = ""
    api: Annotated[str, Field(exclude_if=operator.not_)] = ""
    variables: Annotated[Mapping[str, str], Field(exclude_if=operator.not_)] = {}


def _known_format(name: str) -> str:
    if name not in FORMATS:
        raise PydanticCustomError("format", "input should be {names}", {"names": either(map(repr, FORMATS))})
    return name


class Input(_Group):
    """How the input is read.

    Attributes:
        encoding: empty for the one that the byte-order mark names, or else strict UTF-8.
        delimiter: empty for the one that the format or the header implies. A new run stores the one found.
        sheet: of a workbook; empty for the only one with cells. A new run stores the one found.
        header_row: line of the file, or row of the workbook, that names the columns; None for the first one.
        visible_only: leave out rows and columns that a workbook hides.
        metadata: merge keeps the keys that a row does not name (read first, then merged); replace wipes them.
        blind: do not read the live state before a row is sent.
        exact: found in the settings of undos that earlier versions prepared; ignored.
        limit: only this many rows from the top; None for all.
        view: what a recipe makes of the columns and rows; None for those of the sheet itself.
        private: paths of fields whose values nobody is shown, where no view says it: in rows that a run made itself.
    """

    source: str
    format: Annotated[str, AfterValidator(_known_format)]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    header_row: Annotated[int, Field(ge=1)] | None = None
    visible_only: bool = False
    clear_token: Annotated[str, Field(min_length=1)] = "<clear>"  # noqa: S105  # not a secret
    metadata: Literal["merge", "replace"] = "merge"
    blind: bool = False
    allow_triggers: tuple[str, ...] = ()
    resend_unknown: bool = False
    exact: bool = False
    limit: Annotated[int, Field(ge=0)] | None = None
    view: Annotated[ViewRecipe | None, Field(exclude_if=operator.not_)] = None
    private: Annotated[tuple[tuple[str, ...], ...], Field(exclude_if=operator.not_)] = ()

    @property
    def has_private(self) -> bool:
        """Whether there are fields whose values nobody is shown."""
        return bool(self.private) or (self.view is not None and self.view.private != {})


class Pacing(_Group):
    """How fast.

    Attributes:
        concurrency: requests in flight at most.
        rate: windows as (requests, seconds); empty to follow the server's headers.
        discover: learn from the server.
        headroom: per cent of every limit to leave to others.
    """

    concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    rate: tuple[tuple[int, float], ...] = ()
    discover: bool = True
    headroom: Annotated[float, Field(ge=0, lt=100)] = 5.0

    @property
    def ceiling(self) -> tuple[Window, ...]:
        """The user's windows."""
        return tuple(Window(limit, interval) for limit, interval in self.rate)


class Attempts(_Group):
    """How often to try again, and how long to wait.

    Attributes:
        max_attempts: attempts for a row that fails for a temporary reason, without refusals for pace.
        throttles: refusals for pace for a row; as many in succession for the whole run park it.
        timeout: seconds for one request.
        base, cap: seconds, bounds of the backoff.
        patience: seconds of a `Retry-After` beyond which the run is parked instead of waiting.
    """

    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    throttles: Annotated[int, Field(ge=1)] = 30
    timeout: Annotated[float, Field(gt=0, le=3600)] = 30.0
    base: float = 0.5
    cap: float = 20.0
    patience: float = 900.0

    @property
    def retrying(self) -> Patience:
        """The numbers in the form that the policy takes, for rows and reads."""
        return Patience(
            attempts=self.max_attempts, throttles=self.throttles, base=self.base, cap=self.cap, pause=self.patience
        )


class Connecting(_Group):
    """How servers are reached.

    Attributes:
        ca_file: absolute path of a PEM file with authorities to trust besides the system's; may be empty.
        proxy: origin of the proxy; empty for none, whatever the environment says.
    """

    ca_file: str = ""
    proxy: str = ""


class Stopping(_Group):
    """When to give up on the whole run.

    Attributes:
        rows: number of bad rows. `share`: bad rows in per cent of the settled ones.
        canary: first updates of each type, to be sent alone and read back in full.
    """

    rows: Annotated[int, Field(ge=1)] | None = None
    share: Annotated[float, Field(gt=0, le=100)] | None = None
    canary: Annotated[int, Field(ge=0, le=1000)] = 3

    @property
    def stop_after(self) -> StopAfter:
        """The threshold in the form that the guards take."""
        return StopAfter(self.rows, self.share)


class Settings(_Group):
    """All settings of a run, as the journal stores them."""

    target: Target
    input: Input
    pacing: Pacing = Pacing()
    attempts: Attempts = Attempts()
    connecting: Connecting = Connecting()
    stopping: Stopping = Stopping()

    @property
    def meaning(self) -> tuple[Target, Input]:
        """The settings that decide what a row asks for: a plan is valid for these alone."""
        return self.target, self.input.model_copy(update={"resend_unknown": False})

    def recorded(self) -> str:
        """Serialise the settings for the journal, without `resend_unknown`: that consent holds for one command only.

        Raises:
            ConfigError: a name among them is not UTF-8.
        """
        once = self.input.model_copy(update={"resend_unknown": False})
        try:
            return self.model_copy(update={"input": once}).model_dump_json()
        except PydanticSerializationError:
            raise ConfigError("A flag holds a name that is not UTF-8: rename the file or folder.") from None


CLIENT: Final = ("client_id", "client_secret")
"""What a token is asked for with."""

TOKEN_OR_CLIENT: Final[tuple[Need, ...]] = (("token",), CLIENT)


class Secrets(_Group):
    """The credentials, as far as an API needs them; and one for a proxy. Never stored, never shown.

    Attributes:
        auth_url: origin of the token endpoint; empty for the one that the API names.
        expires_at: seconds since the epoch at which an issued token ends; None where the endpoint did not say it.
        url: base URL that an issued token is for; empty where the endpoint did not name one.
    """

    token: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    username: SecretStr | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    auth_url: str = ""
    proxy_auth: SecretStr | None = None
    expires_at: float | None = None
    url: str = ""

    @property
    def renewable(self) -> bool:
        """True if a new token can be requested."""
        return self.of(CLIENT) is not None

    def of(self, need: Need) -> tuple[str, ...] | None:
        """Return the secrets that belong together; None unless all of them are there."""
        values = [getattr(self, name) for name in need]
        return None if None in values else tuple(value.get_secret_value() for value in values)

    def at_hand(self, needs: tuple[Need, ...]) -> tuple[str, ...]:
        """Return the secrets that requests can carry at once; none where a token has to be issued first."""
        carried = [need for need in needs if need != CLIENT] or [("token",)]
        return next(filter(None, map(self.of, carried)), ())

    def with_token(self, grant: Grant, now: float) -> "Secrets":
        """Return the secrets with a token that was issued at `now`, in seconds since the epoch."""
        ends = None if grant.expires_in is None else now + grant.expires_in
        return self.model_copy(update={"token": SecretStr(grant.access_token), "expires_at": ends, "url": grant.url})


class Environment(Mapping[str, str]):
    """Variables of the environment, of which no traceback or log shows a value."""

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __getitem__(self, name: str) -> str:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return "Environment(...)"


def read_secrets(environment: Mapping[str, str], auth: Auth | None = None) -> Secrets:
    """Read the credential that an API needs from `ROWPATCH_TOKEN` and its like; each also as `..._FILE`.

    Only what the API needs is read: a token of one API is never sent to another. The proxy's credential,
    `user:password`, is read from `ROWPATCH_PROXY_AUTH` in the same way.

    Args:
        environment: variables by name.
        auth: how the API authorises requests; None for a token, or a client that asks for one.

    Raises:
        ConfigError: none of the credentials is set, only half of a pair is, or a file cannot be read.
    """
    needs = TOKEN_OR_CLIENT if auth is None else auth.needs
    found = {name: _secret(environment, name) for need in needs for name in need}
    proxy_auth = _secret(environment, "proxy_auth")
    if proxy_auth is not None and not all(proxy_auth.get_secret_value().partition(":")[::2]):
        raise ConfigError("ROWPATCH_PROXY_AUTH: write it as user:password.")
    for need in needs:
        if len({found[name] is None for name in need}) > 1:
            either = ", or neither" if len(needs) > 1 else ""
            raise ConfigError(f"{' and '.join(map(variable, need))} belong together: set both{either}.")
    secrets = Secrets(**found, auth_url=_auth_url(environment) if CLIENT in needs else "", proxy_auth=proxy_auth)
    if needs and not any(secrets.of(need) for need in needs):
        raise ConfigError(
            f"No credential. Set {in_words(needs)}\n"
            f"(or {variable(needs[0][0])}_FILE, ...: the name of a file that holds it).{_of_others(environment, needs)}"
        )
    return secrets


def variable(name: str) -> str:
    """Return the variable of the environment that holds a secret."""
    return f"ROWPATCH_{name.upper()}"


def in_words(needs: tuple[Need, ...]) -> str:
    """Return the variables to set: `ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET`."""
    return ", or ".join(" and ".join(map(variable, need)) for need in needs)


def _of_others(environment: Mapping[str, str], needs: tuple[Need, ...]) -> str:
    """Name the variables that are set, and hold what this API does not take."""
    own = {name for need in needs for name in need}
    others = [variable(name) for name in get_args(SecretName) if name not in own]
    given = [name for name in others if environment.get(name) or environment.get(f"{name}_FILE")]
    return f"\nThis API does not take {', '.join(given)}." if given else ""


def _auth_url(environment: Mapping[str, str]) -> str:
    given = environment.get("ROWPATCH_AUTH_URL")
    try:
        return checked_origin(given) if given else ""
    except ConfigError as error:
        raise ConfigError(f"ROWPATCH_AUTH_URL: {error}") from None


def checked_origin(url: str, like: str = "https://yourdomain.commercelayer.io") -> str:
    """Normalise `url` to a bare origin, and check that a token may be sent there.

    Raises:
        ConfigError: it is no origin, or plain http to another machine; the message shows `like` as an example.
    """
    origin = origin_of(url, like)
    if origin.startswith("http:") and not is_loopback(origin):
        raise ConfigError(f"Refusing {origin}: the token would travel in the clear. Use https.")
    return origin


def checked_url(url: str, api: str) -> str:
    """Normalise the URL of an API as its kind asks for: Commerce Layer's is a bare origin, others may have a path.

    Args:
        url: as it was given.
        api: name of the API, as `Target.api` holds it.

    Raises:
        ConfigError: no token may be sent there.
    """
    return checked_base_url(url) if api else checked_origin(url)


def checked_proxy(url: str) -> str:
    """Return the origin of the proxy `url`; an empty text for `none`, which removes a proxy set earlier.

    Raises:
        ConfigError: it is no origin, or holds a password, which everybody could read among the arguments.
    """
    if url.strip() == "none":
        return ""
    if "@" in url:
        raise ConfigError(
            "--proxy: leave out the user and the password, which others could see. Set ROWPATCH_PROXY_AUTH to\n"
            "user:password, or ROWPATCH_PROXY_AUTH_FILE to the name of a file that holds it."
        )
    try:
        return origin_of(url, "http://proxy.example:3128")
    except ConfigError as error:
        raise ConfigError(f"--proxy: {error}") from None


def origin_of(url: str, like: str) -> str:
    """Normalise `url` to a bare origin: scheme, host and port in lower case.

    Raises:
        ConfigError: it is no origin; the message shows `like` as an example.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ConfigError(f"{_shown(url)} is not a valid URL, or has no valid port.") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.hostname or ""):
        raise ConfigError(f"{_shown(url)} is not an origin. Write it like {like}")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path.rstrip("/") not in {"", "/api"}:
        raise ConfigError(f"The URL must be a bare origin like {like}, without a path.")
    if port == 0:
        raise ConfigError(f"{_shown(url)} has no valid port.")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def checked_base_url(url: str) -> str:
    """Normalise the base URL of an API, an origin and perhaps a path, and check that a credential may be sent there.

    Returns:
        The URL without a slash at its end.

    Raises:
        ConfigError: it is no such URL, or plain http to another machine.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise ConfigError(f"{_shown(url)} is not a valid URL, or has no valid port.") from None
    path = parts.path.rstrip("/")
    if not _BASE_PATH.fullmatch(path) or "?" in url or "#" in url:
        shown = _shown(re.split("[?#]", url)[0])
        raise ConfigError(f"{shown}: write an origin and perhaps a path, like https://api.example.com/v2")
    return checked_origin(f"{parts.scheme}://{parts.netloc}", "https://api.example.com/v2") + path


def origin_of_url(base_url: str) -> str:
    """Return the origin of a base URL that was checked: scheme, host and port."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(origin: str) -> bool:
    """Return True if the origin is on this machine."""
    return urlsplit(origin).hostname in LOOPBACK


def is_live(mode: str, origin: str) -> bool:
    """Return True if live data may be at stake: the credential is not for test data, and may be for another machine.

    Args:
        mode: of the credential, `test` or `live`; empty where it does not say.
        origin: of the API.
    """
    return mode != "test" and (mode != "" or not is_loopback(origin))


_HOST: Final = re.compile(r"[0-9a-f:]*:[0-9a-f:.]+|(?!-)[0-9a-z_-]{1,63}(\.[0-9a-z_-]{1,63})*\.?")
_BASE_PATH: Final = re.compile(r"(/(?!\.{1,2}(/|$))([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")
"""Segments of a path (RFC 3986, 3.3): none of them empty, `.` or `..`."""

_RATE: Final = re.compile(r"(\d{1,9})\s*/\s*(\d{1,6}(?:\.\d{1,6})?)\s*(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_rate(text: str, flag: str = "--rate") -> tuple[tuple[int, float], ...]:
    """Parse windows into (requests, seconds): `50/10s,200/60s` -> ((50, 10.0), (200, 60.0)).

    Raises:
        ConfigError: the text is no list of windows, or one of them lets nothing through.
    """
    windows = []
    for part in text.split(","):
        match = _RATE.fullmatch(part.strip())
        limit, interval = (int(match[1]), float(match[2]) * _SECONDS[match[3]]) if match else (0, 0.0)
        if limit < 1 or interval <= 0:
            raise ConfigError(f"{flag} {text!r}: write windows like 50/10s,200/60s (units ms, s, m, h), or none.")
        windows.append((limit, interval))
    return tuple(windows)


def parse_stop_after(text: str) -> dict[str, Any]:
    """Parse a threshold, a share like `5%` or a number of rows like `100`, into `rows` and `share`.

    Raises:
        ConfigError: the text is neither.
    """
    share = text.endswith("%")
    try:
        given = Stopping(share=float(text[:-1])) if share else Stopping(rows=int(text))
    except ValueError:
        raise ConfigError(f"--stop-after {text!r}: write a number of rows like 100, or a share like 5%.") from None
    return {"rows": given.rows, "share": given.share}


_G = TypeVar("_G", bound=BaseModel)


def build(group: type[_G], values: Mapping[str, Any]) -> _G:
    """Build a settings group from the values that were given; None means "not given".

    Raises:
        ConfigError: a value is out of range; the message names the flag, and never the value.
    """
    try:
        return group(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "--" + ".".join(map(str, first["loc"])).replace("_", "-")
        raise ConfigError(f"{name}: {first['msg'].lower()}.") from None


def state_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of learned limits: `$XDG_STATE_HOME/rowpatch`, else `~/.local/state/rowpatch`."""
    base = environment.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "state") / "rowpatch"
    except RuntimeError:  # a user without a home, as in some containers
        return _own(Path(tempfile.gettempdir()) / f"rowpatch-{os.getuid()}")


def _own(directory: Path) -> Path:
    """Make a directory, or check its owner, in a place where anybody could have made one of that name first.

    Raises:
        ConfigError: somebody else did, or could write to it: its limits and pauses cannot be trusted.
    """
    with suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    state = directory.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o022:
        raise ConfigError(f"{directory} is not yours alone: set XDG_STATE_HOME to a directory of your own.")
    return directory


def _secret(environment: Mapping[str, str], name: SecretName | Literal["proxy_auth"]) -> SecretStr | None:
    of, path = variable(name), environment.get(f"{variable(name)}_FILE")
    value = environment.get(of)
    if value or (value is not None and name == "password" and not path):  # some APIs take a key and no password
        return _clean(of, name, value)
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8").strip("\r\n" if name == "password" else None)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{of}_FILE: cannot read {path}: {reason}.") from None
    if not text:
        raise ConfigError(f"{of}_FILE: {path} is empty.")
    return _clean(f"{of}_FILE", name, text)


def _clean(where: str, name: str, text: str) -> SecretStr:
    """Return a secret without the white space around it; a password keeps its own.

    Raises:
        ConfigError: it holds what no such secret holds; the message names the variable `where`, never the secret.
    """
    secret = text if name == "password" else text.strip()
    if name in {"username", "password"}:  # any text that HTTP can carry (RFC 7617)
        if not secret.isprintable():
            raise ConfigError(f"{where}: it holds a line end or another control character.")
        if name == "username" and ":" in secret:
            raise ConfigError(f"{where}: a user name holds no colon; the password has a variable of its own.")
        return SecretStr(secret)
    if secret.lower().startswith("bearer "):
        raise ConfigError(f"{where}: leave out the word Bearer; only the token itself is meant.")
    spaced = " " in secret and name not in CLIENT  # client ids and secrets may have spaces (RFC 6749, appendix A)
    if not (secret.isascii() and secret.isprintable()) or spaced or secret[:1] in "\"'":
        raise ConfigError(f"{where}: it holds quotes, white space or other characters that no credential has.")
    return SecretStr(secret)


def _shown(url: str) -> str:
    """Quote the URL for a message, without the part that may hold a password."""
    return repr(url.rpartition("@")[2][:80])
