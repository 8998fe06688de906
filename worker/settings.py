"""Everything a user can set, in frozen groups. This is the only place with defaults, and unknown keys are refused.

The run's journal stores the settings, so that `resume` and `retry` behave as the `apply` did. That is why secrets are
not settings (see `Secrets`): no group holds one.
"""

import operator
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError, PydanticSerializationError

from jobs.formats import FORMATS
from jobs.texts import either
from worker.policy.guards import StopAfter
from worker.policy.pace import Window
from worker.policy.patience import Patience

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that may be reached by plain http."""


class ConfigError(Exception):
    """The command cannot run as asked: usage, configuration or a missing credential. Exit status 2."""


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


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


class Secrets(_Group):
    """The credentials: a token, or a client id and secret; and one for a proxy. Never stored, never shown."""

    token: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    auth_url: str = ""
    proxy_auth: SecretStr | None = None

    @property
    def renewable(self) -> bool:
        """True if a new token can be requested."""
        return self.client_id is not None and self.client_secret is not None


def read_secrets(environment: Mapping[str, str]) -> Secrets:
    """Read the credential from `ROWPATCH_TOKEN`, or `ROWPATCH_CLIENT_ID` and `_CLIENT_SECRET`; each also as `..._FILE`.

    Read the proxy's credential, `user:password`, from `ROWPATCH_PROXY_AUTH` in the same way.

    Raises:
        ConfigError: none of them is set, only half of a pair is, or a file cannot be read.
    """
    token, client_id, client_secret, proxy_auth = (
        _secret(environment, f"ROWPATCH_{name}") for name in ("TOKEN", "CLIENT_ID", "CLIENT_SECRET", "PROXY_AUTH")
    )
    if proxy_auth is not None and not all(proxy_auth.get_secret_value().partition(":")[::2]):
        raise ConfigError("ROWPATCH_PROXY_AUTH: write it as user:password.")
    if (client_id is None) != (client_secret is None):
        raise ConfigError("ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET belong together: set both, or neither.")
    if token is None and client_id is None:
        raise ConfigError(
            "No credential. Set ROWPATCH_TOKEN, or ROWPATCH_CLIENT_ID and ROWPATCH_CLIENT_SECRET\n"
            "(or ROWPATCH_TOKEN_FILE, ...: the name of a file that holds it)."
        )
    try:
        given = environment.get("ROWPATCH_AUTH_URL")
        auth_url = checked_origin(given) if given else ""
    except ConfigError as error:
        raise ConfigError(f"ROWPATCH_AUTH_URL: {error}") from None
    return Secrets(
        token=token, client_id=client_id, client_secret=client_secret, auth_url=auth_url, proxy_auth=proxy_auth
    )


def checked_origin(url: str) -> str:
    """Normalise `url` to a bare origin, and check that a token may be sent there.

    Raises:
        ConfigError: it is no origin, or plain http to another machine.
    """
    return _safe(origin_of(url, "https://yourdomain.commercelayer.io"))


def checked_base_url(url: str) -> str:
    """Normalise `url` to an origin with the path that an API may have, without a trailing slash.

    Raises:
        ConfigError: it is no URL, is plain http to another machine, or holds a query, a fragment or a password.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        raise ConfigError(f"{_shown(url)} is not a valid URL.") from None
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigError("The base URL must not have a user, a password, a query or a fragment.")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ConfigError(f"{_shown(url)} is not a base URL. Write it like {_BASE_URL}")
    origin = origin_of(f"{parts.scheme}://{parts.netloc}", _BASE_URL)
    return _safe(origin) + path


def checked_url(url: str, api: str) -> str:
    """Normalise the URL of an API as its kind asks for: Commerce Layer's is a bare origin, others may have a path.

    Args:
        url: as it was given.
        api: name of the API, as `Target.api` holds it.

    Raises:
        ConfigError: no token may be sent there.
    """
    return checked_base_url(url) if api else checked_origin(url)


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


def is_loopback(origin: str) -> bool:
    """Return True if the origin is on this machine."""
    return urlsplit(origin).hostname in LOOPBACK


def _safe(origin: str) -> str:
    if origin.startswith("http:") and not is_loopback(origin):
        raise ConfigError(f"Refusing {origin}: the token would travel in the clear. Use https.")
    return origin


_BASE_URL: Final = "https://api.example.com/v2"
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")
_HOST: Final = re.compile(r"[0-9a-f:]*:[0-9a-f:.]+|(?!-)[0-9a-z_-]{1,63}(\.[0-9a-z_-]{1,63})*\.?")
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


def _secret(environment: Mapping[str, str], name: str) -> SecretStr | None:
    value, path = environment.get(name), environment.get(f"{name}_FILE")
    if value:
        return _clean(name, value)
    if not path:
        return None
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{name}_FILE: cannot read {path}: {reason}.") from None
    if not text:
        raise ConfigError(f"{name}_FILE: {path} is empty.")
    return _clean(f"{name}_FILE", text)


def _clean(name: str, text: str) -> SecretStr:
    secret = text.strip()
    if secret.lower().startswith("bearer "):
        raise ConfigError(f"{name}: leave out the word Bearer; only the token itself is meant.")
    spaced = " " in secret and "CLIENT_" not in name  # client ids and secrets may have spaces (RFC 6749, appendix A)
    if not (secret.isascii() and secret.isprintable()) or spaced or secret[:1] in "\"'":
        raise ConfigError(f"{name}: it holds quotes, white space or other characters that no credential has.")
    return SecretStr(secret)


def _shown(url: str) -> str:
    """Quote the URL for a message, without the part that may hold a password."""
    return repr(url.rpartition("@")[2][:80])
