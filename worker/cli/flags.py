"""The flags that commands share, and the settings made from them. None always means "not given"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias

from cyclopts import Group, Parameter, Token

from jobs.formats import FORMATS
from jobs.texts import either
from worker.settings import (
    ConfigError,
    Input,
    Settings,
    Target,
    build,
    checked_proxy,
    checked_url,
    parse_rate,
    parse_stop_after,
)

_TARGET: Final = Group("Where to", sort_key=1)
_READING: Final = Group("Reading the sheet", sort_key=2)
_MEANING: Final = Group("What rows may do", sort_key=3)
_PACE: Final = Group("Pace and patience", sort_key=4)
TRYING: Final = Group("What to try", sort_key=0)
"""Group of the flags that say what a probe tries."""

RUN: Final = Group("The run", sort_key=5)
"""Group of the flags about the run itself."""

RecipeFlag: TypeAlias = Annotated[
    Path | None,
    Parameter(
        group=_READING,
        help="File that says which sheet and API, what its columns mean, and the rest; flags and environment go before"
        " it. Without SOURCE, it names the sheet.",
    ),
]

SOURCE: Final = f"{either(name.upper() for name in FORMATS)} file; - for standard input."
"""Help text of the SOURCE argument."""

if TYPE_CHECKING:
    FormatName: TypeAlias = str
else:
    FormatName = Literal[tuple(FORMATS)]  # a type checker cannot read a registry; cyclopts can


def whole_number(_type: object, tokens: Sequence[Token]) -> int:
    """Parse a whole number strictly: `--limit 2.6` must not become three rows."""
    if not re.fullmatch(r"[0-9]{1,12}", tokens[0].value):
        raise ValueError("needs a whole number such as 100")
    return int(tokens[0].value)


_OF_FORMATS: Final = ("encoding", "delimiter", "sheet", "visible_only", "header_row")
"""Flags that only some formats take."""

_OF_SHEETS: Final = ("type", "clear_token", "limit", "metadata", "blind", "allow_trigger", "resend_unknown")


@Parameter(name="*")
@dataclass(frozen=True)
class Flags:
    """Flags of every command that sends."""

    url: Annotated[
        str | None,
        Parameter(
            group=_TARGET,
            help="Base URL of the API, like https://api.example.com/v1. Default: the one that the API's description"
            " or the token names.",
        ),
    ] = None
    type: Annotated[
        str | None,
        Parameter(group=_TARGET, help="Type of the records of rows without one, like issues."),
    ] = None
    expect_mode: Annotated[
        Literal["test", "live"] | None,
        Parameter(group=_TARGET, help="Refuse to run with a credential of the other mode."),
    ] = None
    ca_file: Annotated[
        Path | None,
        Parameter(group=_TARGET, help="PEM file of certificate authorities to trust besides the system's."),
    ] = None
    proxy: Annotated[
        str | None,
        Parameter(
            group=_TARGET,
            help="Send everything through this proxy, like http://proxy.example:3128, or none. HTTPS_PROXY is"
            " ignored. Its user:password goes into ROWPATCH_PROXY_AUTH.",
        ),
    ] = None
    clear_token: Annotated[
        str | None, Parameter(group=_READING, help="Text of a cell that clears the field. Default: <clear>.")
    ] = None
    limit: Annotated[
        int | None,
        Parameter(
            converter=whole_number, group=_READING, help="Only the first N rows; resume with a larger N to go on."
        ),
    ] = None
    metadata: Annotated[
        Literal["merge", "replace"] | None,
        Parameter(
            group=_MEANING,
            help="merge: keep the keys that the sheet does not name. replace: a row that sets an object, like metadata,"
            " or a member of one, like options.customer, replaces the whole object; keys it does not name are WIPED."
            " Default: merge.",
        ),
    ] = None
    allow_trigger: Annotated[
        tuple[str, ...] | None,
        Parameter(
            group=_MEANING,
            negative=(),
            help="Let rows fire this trigger, like _capture, or comment.body where a description calls that an action."
            " Repeatable.",
        ),
    ] = None
    resend_unknown: Annotated[
        bool | None,
        Parameter(
            group=_MEANING, negative=(), help="Send rows again that may have been applied and are not safe to repeat."
        ),
    ] = None
    blind: Annotated[
        bool | None,
        Parameter(
            group=_MEANING,
            negative=(),
            help="Do not read the records first. Every row is sent, even if it changes nothing; nothing can be merged"
            " or undone.",
        ),
    ] = None
    canary: Annotated[
        int | None,
        Parameter(
            converter=whole_number,
            group=_MEANING,
            help="Number of first updates of each type to send alone and read back in full; 0 for none. Default: 3.",
        ),
    ] = None
    concurrency: Annotated[
        int | None, Parameter(converter=whole_number, group=_PACE, help="Maximum requests in flight. Default: 16.")
    ] = None
    rate: Annotated[
        str | None,
        Parameter(
            group=_PACE,
            help="Ceiling for updates, like 50/10s,200/60s; none sends as fast as the server answers. Default: the"
            " limits that the server's replies and the API's description tell.",
        ),
    ] = None
    headroom: Annotated[
        float | None,
        Parameter(group=_PACE, help="Per cent of every limit, --rate included, to leave to others. Default: 5."),
    ] = None
    max_attempts: Annotated[
        int | None, Parameter(converter=whole_number, group=_PACE, help="Attempts per row. Default: 5.")
    ] = None
    timeout: Annotated[float | None, Parameter(group=_PACE, help="Seconds a request may take. Default: 30.")] = None
    stop_after: Annotated[
        str | None, Parameter(group=_PACE, help="Stop when so many rows failed: 100, or 5% of those settled.")
    ] = None
    yes: Annotated[
        bool, Parameter(group=RUN, negative=(), help="Do not ask; needed for live mode without a terminal.")
    ] = False
    log_format: Annotated[Literal["text", "json"], Parameter(group=RUN, help="Log lines on standard error.")] = "text"
    no_progress: Annotated[bool, Parameter(group=RUN, negative=(), help="Do not show the progress.")] = False

    @property
    def of_sheets(self) -> list[str]:
        """Flags given that say what the rows of a sheet mean: a run that is undone or verified has its own settings."""
        return self.given(*_OF_SHEETS)

    def given(self, *names: str) -> list[str]:
        """Return those of the flags that were given, as they are typed."""
        return [f"--{name.replace('_', '-')}" for name in names if getattr(self, name) is not None]


_HIDDEN: Final = Parameter(show=False, negative=())
"""A flag that a command refuses with a reason, and so does not list."""


@Parameter(name="*")
@dataclass(frozen=True)
class UndoFlags(Flags):
    """Flags of an undo: its rows come from the run that it undoes."""

    type: Annotated[str | None, _HIDDEN] = None
    clear_token: Annotated[str | None, _HIDDEN] = None
    metadata: Annotated[Literal["merge", "replace"] | None, _HIDDEN] = None
    allow_trigger: Annotated[tuple[str, ...] | None, _HIDDEN] = None
    resend_unknown: Annotated[bool | None, _HIDDEN] = None
    blind: Annotated[bool | None, _HIDDEN] = None


@Parameter(name="*")
@dataclass(frozen=True)
class VerifyFlags(UndoFlags):
    """Flags of a verification: it reads all that a run wrote."""

    limit: Annotated[int | None, _HIDDEN] = None


@Parameter(name="*")
@dataclass(frozen=True)
class ProbeFlags(Flags):
    """Flags of a probe, which is about one record."""

    limit: Annotated[int | None, _HIDDEN] = None
    metadata: Annotated[Literal["merge", "replace"] | None, _HIDDEN] = None
    allow_trigger: Annotated[tuple[str, ...] | None, _HIDDEN] = None
    resend_unknown: Annotated[bool | None, _HIDDEN] = None
    blind: Annotated[bool | None, _HIDDEN] = None
    canary: Annotated[int | None, _HIDDEN] = None
    stop_after: Annotated[str | None, _HIDDEN] = None


_NOT_OF_NIGHTS: Final = Parameter(parse=False)
"""A flag that nights do not have: their recipe says what rows mean, and whether live data may be changed."""


@Parameter(name="*")
@dataclass(frozen=True)
class NightFlags(Flags):
    """Flags of nights: how they go about it."""

    url: Annotated[str | None, _NOT_OF_NIGHTS] = None
    type: Annotated[str | None, _NOT_OF_NIGHTS] = None
    clear_token: Annotated[str | None, _NOT_OF_NIGHTS] = None
    limit: Annotated[int | None, _NOT_OF_NIGHTS] = None
    metadata: Annotated[Literal["merge", "replace"] | None, _NOT_OF_NIGHTS] = None
    allow_trigger: Annotated[tuple[str, ...] | None, _NOT_OF_NIGHTS] = None
    resend_unknown: Annotated[bool | None, _NOT_OF_NIGHTS] = None
    blind: Annotated[bool | None, _NOT_OF_NIGHTS] = None
    yes: Annotated[bool, _NOT_OF_NIGHTS] = False


@Parameter(name="*")
@dataclass(frozen=True)
class ApiFlags:
    """Which API: flags of commands that begin with a sheet or a type. An existing run knows its API."""

    api: Annotated[
        str | None,
        Parameter(
            group=_TARGET,
            help="The API: a name, or the file of a description (NAME.toml). Default: commercelayer.",
        ),
    ] = None
    variables: Annotated[
        tuple[str, ...] | None,
        Parameter(
            name="--set",
            group=_TARGET,
            negative=(),
            help="NAME=VALUE: a variable of the API's description. Repeatable. In the environment: ROWPATCH_SET_NAME.",
        ),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class SourceFlags:
    """How the sheet is read: flags that make sense only together with SOURCE."""

    format: Annotated[
        FormatName | None,
        Parameter(group=_READING, help="Format. Default: by the file's name."),
    ] = None
    encoding: Annotated[
        str | None,
        Parameter(group=_READING, help="Encoding, like cp1252. Default: byte-order mark, else strict UTF-8."),
    ] = None
    delimiter: Annotated[
        str | None,
        Parameter(
            group=_READING, help="Cell separator. Default: the one by which the header has a column that names records."
        ),
    ] = None
    sheet: Annotated[
        str | None,
        Parameter(group=_READING, help="Name of the sheet of a workbook. Default: the only visible one with cells."),
    ] = None
    header_row: Annotated[
        int | None,
        Parameter(
            converter=whole_number,
            group=_READING,
            help="Line, or row of a workbook, that names the columns; rows above it are ignored. Default: 1.",
        ),
    ] = None
    visible_only: Annotated[
        bool | None,
        Parameter(
            group=_READING,
            negative=(),
            help="Leave out what a workbook hides: skip filtered and hidden rows, and do not send cells of hidden"
            " columns.",
        ),
    ] = None


def flags_of_api(which: ApiFlags) -> list[str]:
    """Return the flags that were given, to be typed again."""
    words = ["--api", which.api] if which.api else []
    for pair in which.variables or ():
        words += ["--set", pair]
    return words


def new_settings(source: str, format_name: str, target: Target, flags: Flags, reading: SourceFlags) -> Settings:
    """Build the settings of a new run, whose target says which API it is for.

    Raises:
        ConfigError: a flag is out of range, or does not apply to the input's format.
    """
    return overridden(Settings(target=target, input=read_by(source, format_name, reading)), flags)


def read_by(source: str, format_name: str, reading: SourceFlags) -> Input:
    """Return how a new input is read.

    Raises:
        ConfigError: a flag is out of range, or does not apply to the input's format.
    """
    given = {
        "source": source,
        "format": format_name,
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "sheet": reading.sheet,
        "header_row": reading.header_row,
        "visible_only": reading.visible_only,
    }
    refuse_misplaced(given)
    return build(Input, given)


def refuse_misplaced(given: Mapping[str, object]) -> None:
    """Refuse flags that do not apply to the input's format.

    Args:
        given: values by the names of `Input`; None for those not given.

    Raises:
        ConfigError: there is such a flag; the message names the first.
    """
    takes = FORMATS[str(given["format"])].takes
    for name in _OF_FORMATS:
        if given[name] is not None and name not in takes:
            raise ConfigError(f"--{name.replace('_', '-')} does not apply to {given['format']}: leave it out.")


def overridden(settings: Settings, flags: Flags) -> Settings:
    """Override the settings with every flag that was given.

    Raises:
        ConfigError: a flag is malformed or out of range.
    """
    stopping: dict[str, Any] = {"canary": flags.canary}
    if flags.stop_after is not None:
        stopping |= parse_stop_after(flags.stop_after)
    pacing: dict[str, Any] = {"concurrency": flags.concurrency, "headroom": flags.headroom}
    if flags.rate is not None:
        pacing["discover"] = flags.rate.strip() != "none"
        pacing["rate"] = parse_rate(flags.rate) if pacing["discover"] else ()
    for name in flags.allow_trigger or ():
        if not (settings.target.api or name.startswith("_")):  # a description says itself what is an action
            raise ConfigError(f"--allow-trigger {name}: names of triggers begin with an underscore. Try _{name}")
    url = checked_url(flags.url, settings.target.api) if flags.url else None
    proxy = checked_proxy(flags.proxy) if flags.proxy else None
    ca_file = str(flags.ca_file.absolute()) if flags.ca_file else None
    target = {"url": url, "type": flags.type, "expect_mode": flags.expect_mode}
    reading = {
        "clear_token": flags.clear_token,
        "limit": flags.limit,
        "metadata": flags.metadata,
        "blind": flags.blind,
        "allow_triggers": flags.allow_trigger,
        "resend_unknown": flags.resend_unknown,
    }
    return Settings(
        target=_with(settings.target, target),
        input=_with(settings.input, reading),
        pacing=_with(settings.pacing, pacing),
        attempts=_with(settings.attempts, {"max_attempts": flags.max_attempts, "timeout": flags.timeout}),
        connecting=_with(settings.connecting, {"ca_file": ca_file, "proxy": proxy}),
        stopping=_with(settings.stopping, stopping),
    )


def _with(group: Any, given: dict[str, Any]) -> Any:
    return build(type(group), {**dict(group), **{name: value for name, value in given.items() if value is not None}})
