"""The API of a run: found by name or file, recorded in the settings, kept in the run directory, and read from there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn

from jobs.apis.api import Api
from jobs.apis.description.loading import load
from jobs.apis.description.model import Description
from jobs.apis.description.summary import limits, scheme
from jobs.apis.description.variables import base_url, missing, names_in, variables_of, variables_of_auth
from jobs.apis.registry import (
    DEFAULT,
    UnknownApi,
    build,
    constants_of,
    description_named,
    description_of,
    is_default,
)
from jobs.apis.schema import closest
from jobs.texts import shortened
from jobs.toml.loading import Refused
from jobs.toml.writing import as_toml
from worker.files import api_copy
from worker.files.run_directory import DESCRIPTION
from worker.settings import ConfigError, Settings, Target, checked_url

_MOST: Final = 1 << 20
"""Bytes that the file of a description may have."""

_SHOWN: Final = 3
"""Limits that are listed before the others are counted."""

NO_VARIABLES: Final[Mapping[str, str]] = MappingProxyType({})


def load_api(name_or_path: str | Path, variables: Mapping[str, str] = NO_VARIABLES) -> Api:
    """Return an API, by its name or by the file of its description. Blocks while it reads the file.

    Args:
        name_or_path: a path ends in `.toml` or has a separator; empty for the default API.
        variables: values for variables of the description; they go before its defaults.

    Raises:
        ConfigError: there is no such API, its description is refused, or it has no such variable.
    """
    return with_variables(found(name_or_path), variables)


def found(name_or_path: str | Path) -> Description:
    """Return the description of an API, by its name or from a file.

    Raises:
        ConfigError: there is none, or its description is refused.
    """
    given = str(name_or_path)
    try:
        if not names_file(name_or_path):
            return description_named(given or DEFAULT)
        return load(text_of(Path(given)), given)
    except (UnknownApi, Refused) as error:
        raise ConfigError(f"{error}") from None


def with_variables(found: Description, variables: Mapping[str, str]) -> Api:
    """Return the API of a description with values for its variables.

    Raises:
        ConfigError: it has no such variable, or a value is no text of one line.
    """
    known = variables_of(found)
    for name, value in variables.items():
        if name not in known:
            raise ConfigError(_no_variable(found.name, name, known))
        if not value.isprintable():
            raise ConfigError(f"--set {name}: its value has characters that cannot be shown.")
    return build(found, variables)


def settled(settings: Settings, api: Api | None) -> tuple[Settings, Api]:
    """Return the settings of a new run with the API that it is for, and that API at its place.

    Args:
        settings: of the run.
        api: that it is for; None for the one that the settings name.

    Raises:
        ConfigError: there is no such API, or nothing says where it is.
    """
    target = settings.target
    api = api or load_api(target.api, target.variables)
    found = target_of(api, target.url)
    target = target.model_copy(update={"url": found.url, "api": found.api, "variables": found.variables})
    return settings.model_copy(update={"target": target}), _at(api, target.url)


def target_of(api: Api, url: str = "") -> Target:
    """Return what settings record of an API: name and place, and the variables that differ from its defaults.

    Args:
        api: that a new run is for.
        url: where it is; empty for the place that its description says.

    Raises:
        ConfigError: nothing says where it is, no token may be sent there, or none could be asked for.
    """
    description, values = description_of(api), constants_of(api)
    if description is None:
        return Target(url=checked_url(url or _nowhere(), api.name), api=api.name)
    name = "" if is_default(description) else api.name
    url = url or _own_url(description, values)
    url = checked_url(url, name) if url else ""
    if needed := missing(variables_of_auth(description), values):
        raise ConfigError(f"Asking {api.name} for a token needs {_as_flags(needed)}.")
    return Target(url=url, api=name, variables=dict(_changed(description.variables, values)))


def _changed(defaults: Mapping[str, str], values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables whose values differ from the defaults; one that is not set has an empty value."""
    for name in dict.fromkeys((*defaults, *values)):
        value = values.get(name, "")
        if value != defaults.get(name, ""):
            yield name, value


def located(settings: Settings, api: Api, url: str) -> tuple[Settings, Api]:
    """Return settings and API with the URL that came with a token, where nothing else says where the API is."""
    if settings.target.url or not url:
        return settings, api
    target = settings.target.model_copy(update={"url": url})
    return settings.model_copy(update={"target": target}), _at(api, url)


def keep(directory: Path, api: Api) -> dict[str, str]:
    """Keep a copy of the API's description in a run directory, but of the default one; return what the journal says.

    Raises:
        OSError: it cannot be written.
    """
    description = description_of(api)
    if description is None or is_default(description):
        return {}
    return {api_copy.HASH: api_copy.keep(directory, as_toml(description))}


def of_run(directory: Path, facts: Mapping[str, str], target: Target, api: Api | None = None) -> Api:
    """Return the API that an existing run is for, as it was described when the run began.

    Args:
        directory: of the run.
        facts: of its journal.
        target: of its settings, adjusted.
        api: that the caller brings along; it goes before what the directory says.

    Raises:
        ConfigError: the copy of the description is missing, changed or refused; or the API is not known here.
    """
    if api is not None:
        return _at(api, target.url)
    if api_copy.HASH in facts:
        text = api_copy.kept(directory, facts[api_copy.HASH])
        try:
            return build(load(text, str(directory / DESCRIPTION)), target.variables, target.url)
        except Refused as error:
            raise ConfigError(f"{error}\nAnother version of rowpatch began this run; nothing was sent.") from None
    if target.api:
        raise ConfigError(f"The run is for the API {target.api!r}, which is not known here; nothing was sent.")
    return build(description_named(DEFAULT), target.variables, target.url)


def introduction(api: Api, settings: Settings) -> str:
    """Return in a line where a run goes, with which kind of credential, and how fast; empty for the default API."""
    description, target = description_of(api), settings.target
    if description is None or is_default(description):
        return ""
    where = target.url or "the address that comes with the token"
    return f"The API is {api.name}, at {where}, with {scheme(description.auth)}; {_pace(description, settings)}."


def _pace(description: Description, settings: Settings) -> str:
    if not settings.pacing.discover:
        return "no limits: --rate none"
    first, rest = (listed := limits(description, settings.target.type))[:_SHOWN], len(listed) - _SHOWN
    own = ",".join(f"{requests}/{seconds:g}s" for requests, seconds in settings.pacing.rate)
    told = [*first, *([f"{rest} more"] if rest > 0 else []), *([f"--rate {own}"] if own else [])]
    return f"limits: {', '.join(told)}" if told else "limits: those that its replies tell"


def notes(api: Api) -> tuple[str, ...]:
    """Return the traps that a description tells of, to be said before the first update; none for the default API."""
    description = description_of(api)
    if description is None or is_default(description):
        return ()
    return tuple(f"{api.name}: {note}" for note in description.notes)


def _nowhere() -> NoReturn:
    raise ConfigError("Where to? Set ROWPATCH_URL or pass --url, like https://api.example.com/v2")


def _own_url(description: Description, values: Mapping[str, str]) -> str:
    """Return the base URL that a description says; empty where it comes with the token.

    Raises:
        ConfigError: it says none, or not all of it.
    """
    needed = missing(names_in(description.base_url), values)
    if needed and set(needed) <= description.auth.variables.keys():
        return ""
    if needed:
        raise ConfigError(f"Where to? {description.base_url} needs {_as_flags(needed)}; or pass --url.")
    return base_url(description, values) or _nowhere()


def _as_flags(names: Sequence[str]) -> str:
    return " ".join(f"--set {name}=..." for name in names)


def _at(api: Api, url: str) -> Api:
    description = description_of(api)
    return api if description is None else build(description, constants_of(api), url)


def _no_variable(api: str, name: str, known: frozenset[str]) -> str:
    shown = shortened(name)
    if not known:
        return f"--set {shown}: {api} has no variables."
    near = closest(name, known)
    return f"--set {shown}: {api} has no such variable; " + (
        f"did you mean {near}?" if near else f"there are {', '.join(sorted(known))}."
    )


def in_environment(name: str) -> str:
    """Return the variable of the environment that holds a variable of an API."""
    return f"ROWPATCH_SET_{re.sub(r'[^A-Z0-9]', '_', name.upper())}"


def names_file(name_or_path: str | Path) -> bool:
    """Return whether the file of a description is meant: it ends in `.toml`, or has a separator."""
    return isinstance(name_or_path, Path) or name_or_path.endswith(".toml") or "/" in name_or_path


def text_of(path: Path) -> str:
    """Return the text of the file of a description.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST + 1)
        if len(content) > _MOST:
            raise ConfigError(f"{path} is too large for the description of an API.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"Cannot read {path}: it is not UTF-8 text.") from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from None
