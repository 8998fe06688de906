"""`rowpatch probe`: test the description of an API on one record."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from worker.cli.flags import RUN, TRYING, ApiFlags, ProbeFlags, SourceFlags


def probe(
    sheet: Annotated[
        str | None, Parameter(help="A sheet: the record of its first row is probed. Default: the one that --set names.")
    ] = None,
    /,
    *,
    field: Annotated[
        str | None,
        Parameter(
            group=TRYING,
            help="Field to write a made-up value into, like title or options.colour:str. Costs two writes more; a"
            " member of an object up to eight.",
        ),
    ] = None,
    value: Annotated[str | None, Parameter(group=TRYING, help="The made-up value, as a cell would have it.")] = None,
    unknown_field: Annotated[
        str | None, Parameter(group=TRYING, help="Name that the API cannot know: see what it does with such a member.")
    ] = None,
    write: Annotated[
        Path | None, Parameter(group=TRYING, help="Write the description with what was found to this file.")
    ] = None,
    force: Annotated[bool, Parameter(group=TRYING, negative=(), help="Let --write replace a file.")] = False,
    json: Annotated[
        bool, Parameter(name="--json", group=TRYING, negative=(), help="Print what was found as one JSON object.")
    ] = False,
    run_dir: Annotated[
        Path | None, Parameter(group=RUN, help="Where the probe is kept. Default: runs/probe-TYPE-TIME.")
    ] = None,
    which: ApiFlags = ApiFlags(),
    flags: ProbeFlags = ProbeFlags(),
    reading: SourceFlags = SourceFlags(),
) -> int:
    """Read one record, send back a value that it has already, and read it again: is the API as its description says?

    With --field and --value, a made-up value is written, and the old one put back. Each write is shown first, and you
    are asked. The probe is a run: after Ctrl-C, or a kill, rowpatch undo puts back what it touched.

    The record: the one of the sheet's first row, or the key given by --set, like --set id=42.

    Exit status: 0 if nothing contradicts the description, 1 if something does, 2 if the probe is refused, 3 if it was
    stopped, or could not put everything back.
    """
    from worker.cli.guarded import guarded
    from worker.cli.probing import Asked, run
    from worker.operations.probe import Tried

    asked = Asked(sheet, run_dir, Tried(field or "", value, unknown_field or ""), write, force=force, json=json)
    return guarded(lambda: run(asked, which, flags, reading))
