"""A draft of a description, made from a vendor's own OpenAPI document."""

from collections.abc import Collection
from pathlib import Path

from jobs.apis.description.loading import examine
from jobs.apis.openapi.candidates import Candidate, bodiless, candidates, chosen, in_other_files
from jobs.apis.openapi.document import MOST as MOST_BYTES
from jobs.apis.openapi.document import Document, parse
from jobs.apis.openapi.draft import draft
from jobs.apis.openapi.index import MOST, index
from jobs.apis.openapi.refused import DocumentRefused
from jobs.apis.openapi.schemas import Shapes
from jobs.apis.schema import closest
from jobs.texts import listed
from jobs.toml.problems import Problem
from jobs.values import valueclass
from worker.settings import ConfigError


@valueclass(frozen=True, slots=True)
class Imported:
    """What was made of a document.

    Attributes:
        text: a draft in TOML; or, where there are too many types of records for one, a list of them.
        names: of the types of records.
        is_draft: whether it is one.
        problems: what `rowpatch apis check` finds in the draft; it may be empty.
    """

    text: str
    names: tuple[str, ...]
    is_draft: bool
    problems: tuple[Problem, ...] = ()


def imported(
    path: Path, *, names: Collection[str] = (), patterns: Collection[str] = (), methods: Collection[str] = ()
) -> Imported:
    """Draft a description of the types of records that are chosen, or list them where they are too many.

    Args:
        path: of the document.
        names: of types of records, as the list has them.
        patterns: of paths, with `*` for anything.
        methods: that may update; by default PATCH, else PUT, else a POST that clearly changes parts of a record.

    Raises:
        ConfigError: the document cannot be used, or nothing in it is chosen; the text says what to do.
    """
    try:
        return _imported(Shapes(parse(_read(path))), names, patterns, methods)
    except DocumentRefused as error:
        raise ConfigError(f"{path}: {error}") from None


def write(text: str, path: Path, *, force: bool) -> None:
    """Write a draft; replace a file that exists only with `force`.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"{path} exists already: choose another --write, or replace it with --force.") from None
    except OSError as error:
        raise ConfigError(f"Cannot write {path}: {error.strerror}.") from None


def _imported(shapes: Shapes, names: Collection[str], patterns: Collection[str], methods: Collection[str]) -> Imported:
    found = candidates(shapes, methods)
    if not found:
        raise DocumentRefused(_nothing(shapes.document, methods))
    wanted = chosen(found, names, patterns)
    if not wanted:
        raise DocumentRefused(_unknown(shapes, found, names))
    listed = tuple(each.name for each in wanted)
    if len(wanted) > MOST:
        return Imported(index(wanted), listed, is_draft=False)
    left_out = bodiless(shapes, found) if not (names or patterns) else ()
    text = draft(shapes, wanted, left_out)
    return Imported(text, listed, is_draft=True, problems=examine(text).problems)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {error.strerror}.") from None


def _nothing(document: Document, methods: Collection[str]) -> str:
    reference = in_other_files(document)
    if reference:
        said = f"its operations stand in other files, which are not opened ({reference}); put all into one file first"
        return f"{said}: npx @redocly/cli bundle FILE -o one.json"
    taken = " or ".join(each.upper() for each in methods) or "PATCH or PUT"
    more = "" if "post" in methods else "; --method post takes those that have a POST"
    return f"no path with a variable, such as /tickets/{{id}}, has a {taken} with a body in JSON or a form{more}"


def _unknown(shapes: Shapes, found: Collection[Candidate], names: Collection[str]) -> str:
    known = [each.name for each in found]
    if near := next(filter(None, (closest(each, known) for each in names)), ""):
        return f"no type of records in it is chosen; did you mean --type {near}?"
    without = bodiless(shapes, found)
    more = f"; it says no body of {listed(without)}: describe that by hand" if without else ""
    return f"no type of records in it is chosen; it has {listed(known)}{more}"
