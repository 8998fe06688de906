"""The header of a sheet whose columns name members of a body, as a whole; and what each column is for."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from jobs.apis.schema import ResourceType, mistaken_for
from jobs.columns.cells import Wanted, as_shown
from jobs.columns.grammar import NO_VALUES, Heading
from jobs.columns.members.keys import missing_of, naming_of
from jobs.columns.members.names import parse_heading
from jobs.columns.members.places import refuse_overlaps, resolve
from jobs.columns.members.slots import LimitedSlot
from jobs.columns.problems import NotAColumn
from jobs.columns.resolve import known_type
from jobs.columns.rules import Rules
from jobs.damage import Role
from jobs.formats.errors import InputRefused

_NOT_OF_NAMES: Final = "\ufeff\u200b \t\u00a0'\""
"""What gets to the edges of a column's name by accident."""

_ROLES: Final[dict[Wanted, Role]] = {
    "any": "untyped",
    "string": "text",
    "integer": "number",
    "float": "number",
    "date": "date",
    "datetime": "date",
}


def header_faults(names: Sequence[str], rules: Rules) -> Iterator[InputRefused]:
    """Yield everything that is wrong with a header, worst first."""
    headings: list[Heading] = []
    for name in names:
        try:
            headings.append(parse_heading(name, rules))
        except NotAColumn as error:
            yield InputRefused(error.message, column=name)
    try:
        kinds = kinds_of(rules)
    except NotAColumn as error:
        yield InputRefused(error.message)
        return
    almost = ""
    if unnamed := _fault_of_all(kinds, partial(_name_records, headings, rules)):
        almost, meant = _almost(headings, kinds[0], rules)
        said = f" (there is {as_shown(almost)!r}; did you mean `{meant}`?)" if almost else ""
        yield InputRefused(unnamed.message + said, column=almost)
    for heading in headings:
        fields = heading.form not in NO_VALUES and heading.label != almost
        if fields and (fault := _fault_of_all(kinds, partial(_resolve, heading, rules))):
            yield InputRefused(fault.message, column=heading.label)
    if fault := _fault_of_all(kinds, partial(_refuse_overlaps, headings, rules)):
        yield InputRefused(fault.message)
    if not (rules.type or any(heading.form == "type" for heading in headings)):
        yield InputRefused("the resource is not known: pass --type TYPE, or add a column `type`")


def kinds_of(rules: Rules) -> list[ResourceType]:
    """Return the resources that rows may be about.

    Raises:
        NotAColumn: the one that the user named does not exist.
    """
    return [known_type(rules.type, rules.schema)] if rules.type else list(rules.schema.kinds)


def role_of(heading: Heading, rules: Rules) -> Role:
    """Return the role of a column that is not reserved; the first resource that has it decides."""
    if heading.form == "key":
        return "id"
    if heading.form == "type":
        return "other"
    kind = next(each for each in kinds_of(rules) if _fault_of_all([each], partial(_resolve, heading, rules)) is None)
    slot = resolve(heading, kind, rules)
    if isinstance(slot, LimitedSlot) and slot.choices:
        return "other"
    return _ROLES.get(slot.wanted, "other")


def _fault_of_all(kinds: Sequence[ResourceType], test: Callable[[ResourceType], object]) -> NotAColumn | None:
    """Return why a test fails for every resource; None where one passes it."""
    fault = None
    for kind in kinds:
        try:
            test(kind)
        except NotAColumn as error:
            fault = error
        else:
            return None
    return fault


def _name_records(headings: Sequence[Heading], rules: Rules, kind: ResourceType) -> None:
    naming_of(kind, _labels(headings, "key"), _labels(headings, "field"), rules.schema)


def _resolve(heading: Heading, rules: Rules, kind: ResourceType) -> None:
    resolve(heading, kind, rules)


def _refuse_overlaps(headings: Sequence[Heading], rules: Rules, kind: ResourceType) -> None:
    refuse_overlaps(headings, kind, rules)


def _almost(headings: Sequence[Heading], kind: ResourceType, rules: Rules) -> tuple[str, str]:
    """Return the column that is probably meant to name the records, and how it should be called; empty for none."""
    missing = missing_of(kind, _labels(headings, "key"), rules.schema)
    for label in _labels(headings, "field"):
        name = label.strip(_NOT_OF_NAMES)
        if meant := name if name in missing else mistaken_for(name, missing):
            return label, meant
    return "", ""


def _labels(headings: Sequence[Heading], form: str) -> list[str]:
    return [heading.label for heading in headings if heading.form == form]
