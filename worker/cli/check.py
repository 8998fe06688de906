"""`rowpatch check`: find rows that cannot be sent, and cells that look damaged. Needs no network."""

from typing import Annotated, Final, Literal

from cyclopts import Group, Parameter

from worker.cli.flags import SOURCE, ApiFlags, SourceFlags

_MEANING: Final = Group("What rows may do", sort_key=3)
_SHOWING: Final = Group("What is shown", sort_key=4)


def check(
    source: Annotated[str | None, Parameter(help=SOURCE)] = None,
    /,
    *,
    type_name: Annotated[
        str | None, Parameter(name="--type", help="Type of the records of rows without one, like stripe_payments.")
    ] = None,
    clear_token: Annotated[
        str | None, Parameter(help="Text of a cell that clears the field. Default: <clear>.")
    ] = None,
    metadata: Annotated[
        Literal["merge", "replace"] | None, Parameter(group=_MEANING, help="As you will give it to apply.")
    ] = None,
    blind: Annotated[bool | None, Parameter(group=_MEANING, negative=(), help="As you will give it to apply.")] = None,
    allow_trigger: Annotated[
        tuple[str, ...] | None,
        Parameter(group=_MEANING, negative=(), help="Let rows fire this trigger. Repeatable."),
    ] = None,
    resend_unknown: Annotated[
        bool | None, Parameter(group=_MEANING, negative=(), help="As you will give it to apply.")
    ] = None,
    every: Annotated[
        bool,
        Parameter(name="--all", group=_SHOWING, negative=(), help="Every single finding, in the order of the sheet."),
    ] = False,
    as_json: Annotated[
        bool,
        Parameter(name="--json", group=_SHOWING, negative=(), help="Every finding as a line of JSON; a summary last."),
    ] = False,
    reading: SourceFlags = SourceFlags(),
    which: ApiFlags = ApiFlags(),
) -> int:
    """Read all of SOURCE and report what is wrong with it: rows that cannot be sent, and cells that look damaged.

    Nothing is sent, and only the file is needed: no URL, no credential. Rows are read by the same code as in apply.
    Cells that a spreadsheet seems to have damaged are only warnings: apply sends them as they are, and never repairs
    them.

    Exit status: 0 if every row can be sent, even with warnings; 2 if something is refused.
    """
    from worker.cli.checked import Showing, check_source
    from worker.cli.guarded import guarded

    said = {
        "clear_token": clear_token,
        "metadata": metadata,
        "blind": blind,
        "allow_triggers": allow_trigger,
        "resend_unknown": resend_unknown,
    }
    showing: Showing = "json" if as_json else "all" if every else "groups"
    return guarded(lambda: check_source(source, type_name or "", reading, said, showing, which))
