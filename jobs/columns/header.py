"""The header of a sheet whose columns name attributes, as a whole: what is wrong with it before any row is read."""

from collections.abc import Iterator, Sequence

from jobs.columns.cells import as_shown
from jobs.columns.grammar import NO_VALUES, Heading, is_results_file, parse_heading, refuse_overlaps, targeted
from jobs.columns.problems import NotAColumn
from jobs.columns.resolve import known_type, refuse_unless_of_some_type, resolve
from jobs.columns.rules import Rules
from jobs.formats.errors import InputRefused
from jobs.formats.quoting import unquoted


def header_faults(names: Sequence[str], rules: Rules) -> Iterator[InputRefused]:
    """Yield everything that is wrong with a header, worst first."""
    headings: list[Heading] = []
    for name in names:
        try:
            headings.append(parse_heading(name))
        except NotAColumn as error:
            yield InputRefused(error.message, column=name)
    headings = targeted(headings)
    almost = _almost_id([heading.label for heading in headings])
    forms = {heading.form for heading in headings}
    try:
        if rules.type:
            known_type(rules.type, rules.schema)
    except NotAColumn as error:
        yield InputRefused(error.message)
    else:
        told = [] if "id" in forms or not almost else [almost]
        yield from _meaningless([each for each in headings if each.label not in told], rules, by_row="type" in forms)
    if not forms & {"id", "target"}:
        meant = f" (there is {as_shown(almost)!r}; did you mean `id`?)" if almost else ""
        yield InputRefused(
            f"there is no column `id`: each row must say which record it updates{meant}."
            " A column `reference` will do too: the records are then looked up by it",
            column=almost,
        )
    elif almost and "id" not in forms:
        yield InputRefused(f"column {as_shown(almost)!r} has no meaning; did you mean `id`?", column=almost)
    if not ("type" in forms or rules.type):
        yield InputRefused("the resource type is not known: pass --type TYPE, or add a column `type`")


def _meaningless(headings: Sequence[Heading], rules: Rules, *, by_row: bool) -> Iterator[InputRefused]:
    """Yield the columns that no resource type has, or not the given one, and those that mean the same."""
    for heading in headings:
        if heading.form in NO_VALUES:
            continue
        try:
            if rules.type and not by_row:
                resolve(heading, known_type(rules.type, rules.schema), rules)
            else:
                refuse_unless_of_some_type(heading, rules)
        except NotAColumn as error:
            yield InputRefused(error.message, column=heading.label)
    try:
        refuse_overlaps(headings)
    except NotAColumn as error:
        yield InputRefused(error.message)


def names_of(header: Sequence[str]) -> list[str]:
    """Return the names as the user meant them, without the apostrophes that a results file puts before some."""
    return list(map(unquoted, header)) if is_results_file(header) else list(header)


def _almost_id(names: Sequence[str]) -> str:
    """Find the column that is probably meant to be `id`; return its name, empty if there is none."""
    for name in names:
        if name != "id" and name.strip("\ufeff\u200b \t\u00a0'\"").lower() in {
            "id",
            "ids",
            "resource_id",
            "resource id",
        }:
            return name
    return ""
