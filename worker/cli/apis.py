"""`rowpatch apis`: list the APIs there are, show a description with every default, check one of your own, draft one."""

from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter

from worker.cli.apis_import import import_

apis: Final = App(name="apis", default_parameter=Parameter(show_env_var=False, show_default=False))


@apis.default
def listing() -> int:
    """List the APIs that rowpatch knows by name: their resources, and what stands behind each description.

    Any other API can be described in a file: rowpatch apis show rest --source prints a template.
    """
    from rich.table import Table

    from worker.cli.console import show
    from worker.operations.descriptions import listed

    found = listed()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("NAME", "RESOURCES", "VERIFIED", "WHAT IT IS"):
        table.add_column(heading, overflow="fold")
    for each in found:
        table.add_row(each.name, _shortly(each.resources), each.verified or "-", each.about)
    show(lambda console: console.print(table))
    return 0


@apis.command
def show(
    which: Annotated[str, Parameter(name="api", help="Name of an API, or a file that ends in .toml.")],
    /,
    *,
    source: Annotated[
        bool, Parameter(negative=(), help="Print the file as its author wrote it, with its comments.")
    ] = False,
) -> int:
    """Print a description as TOML with every default; its notes stand first. Nothing is sent.

    Exit status: 0, or 2 if there is no such description, or it is refused.
    """
    from jobs.apis.description.showing import shown
    from worker.cli.guarded import guarded
    from worker.cli.speech import say
    from worker.operations import descriptions
    from worker.operations.apis import found

    def print_it() -> int:
        say((descriptions.source(which) if source else shown(found(which))).removesuffix("\n"))
        return 0

    return guarded(print_it)


@apis.command
def check(
    file: Annotated[Path, Parameter(help="The file, in TOML.")],
    /,
) -> int:
    """Check the description in FILE without a network, and say what it means.

    Every problem is one line, FILE:LINE: key: what to do. Warnings alone refuse nothing.

    Exit status: 0 if the description can be used, 2 if not.
    """
    from jobs.apis.description.summary import understood
    from worker.cli.guarded import guarded
    from worker.cli.speech import say
    from worker.exit_statuses import DONE, REFUSED
    from worker.operations.descriptions import checked

    def report() -> int:
        found = checked(file)
        lines = [each.said(str(file)) for each in found.problems]
        if found.value is not None and not found.errors:
            lines += [*([""] if lines else []), *understood(found.value)]
        say("\n".join(lines))
        return REFUSED if found.errors else DONE

    return guarded(report)


apis.command(import_, name="import")


def _shortly(names: tuple[str, ...]) -> str:
    """Return some names, and how many more there are."""
    more = len(names) - 3
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:3])} and {more} more"
