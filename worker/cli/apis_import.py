"""`rowpatch apis import`: draft a description from a vendor's own OpenAPI document."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def import_(
    document: Annotated[Path, Parameter(help="OpenAPI 2.0, 3.0 or 3.1, in JSON or YAML.")],
    /,
    *,
    type_names: Annotated[
        tuple[str, ...], Parameter(name="--type", negative=(), help="Only this type of records. Repeatable.")
    ] = (),
    paths: Annotated[
        tuple[str, ...],
        Parameter(name="--path", negative=(), help="Only paths like this one, * for anything. Repeatable."),
    ] = (),
    method: Annotated[
        Literal["patch", "put", "post"] | None,
        Parameter(help="Method that updates. Default: PATCH, else PUT, else a POST that clearly changes parts."),
    ] = None,
    write: Annotated[Path | None, Parameter(help="File to write, NAME.toml. Default: standard output.")] = None,
    force: Annotated[bool, Parameter(negative=(), help="Let --write replace a file.")] = False,
) -> int:
    """Draft a description from a vendor's OpenAPI DOCUMENT. Nothing is sent, fetched or tried.

    The draft has a comment with "unknown" at everything that such a document does not say. Of a document with many
    types of records, this prints the list: choose by --type or --path.

    Exit status: 0, or 2 if the document cannot be used or the file not be written.
    """
    from worker.cli.guarded import guarded

    return guarded(lambda: _import(document, type_names, paths, method, write, force=force))


def _import(
    document: Path,
    type_names: tuple[str, ...],
    paths: tuple[str, ...],
    method: str | None,
    write: Path | None,
    *,
    force: bool,
) -> int:
    from worker.cli.speech import complain, say, warn
    from worker.exit_statuses import DONE, REFUSED
    from worker.operations import imports

    found = imports.imported(document, names=type_names, patterns=paths, methods=() if method is None else (method,))
    if not found.is_draft:
        say(found.text)
        warn(f"{len(found.names)} types of records: choose by --type NAME or --path '/path/*'.")
        return DONE if write is None else complain(f"{write} was not written: choose first.", REFUSED)
    if write is None:
        say(found.text.removesuffix("\n"))
    else:
        imports.write(found.text, write, force=force)
        warn(f"Wrote {write} ({', '.join(found.names)}). Next: rowpatch apis check {write}")
    for each in found.problems:
        warn(each.said(str(write or "draft")))
    return DONE
