"""What differs between columns that name attributes of a resource and columns that name members of a body."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jobs.apis.schema import Grammar, ResourceType, Schema
from jobs.columns import grammar, header, resolve, roles
from jobs.columns.grammar import Heading
from jobs.columns.header import names_of
from jobs.columns.members import header as member_header
from jobs.columns.members import names as member_names
from jobs.columns.members import places
from jobs.columns.members.keys import KeyColumns, keys_in
from jobs.columns.rules import Rules
from jobs.columns.slots import Slot
from jobs.columns.targets import OneColumn, Target
from jobs.damage import Role
from jobs.formats.errors import InputRefused
from jobs.formats.headings import COMMON_KEYS, Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How columns are named, and what a name means.

    Attributes:
        shapes: objects may have the shapes of JSON:API.
        parse: takes one name apart. Raises `NotAColumn`.
        headings: takes those of a sheet apart; they have been checked.
        faults: yields all that is wrong with a header, worst first.
        target: finds what says which record is meant.
        resolve: finds where values go. Raises `NotAColumn`.
        refuse_overlaps: checks that no two are about the same. Raises `NotAColumn`.
        path_of: returns what a column is about, as a job says it.
        has_no_type: whether nobody said a type of a column's values.
        role_of: returns what a column is for.
        keys: returns the columns that say what rows are about, before there is a header.
    """

    shapes: bool
    parse: Callable[[str, Rules], Heading]
    headings: Callable[[Sequence[str], Rules], list[Heading]]
    faults: Callable[[Sequence[str], Rules], Iterator[InputRefused]]
    target: Callable[[Sequence[Heading], Rules], Target]
    resolve: Callable[[Heading, ResourceType, Rules], Slot]
    refuse_overlaps: Callable[[Iterable[Heading], ResourceType, Rules], None]
    path_of: Callable[[Heading, ResourceType], tuple[str, ...]]
    has_no_type: Callable[[Heading, ResourceType], bool]
    role_of: Callable[[Heading, Rules], Role]
    keys: Callable[[str, Schema], Keys]


def _one_column(headings: Sequence[Heading], rules: Rules) -> Target:
    position, heading = next((index, each) for index, each in enumerate(headings) if each.form in {"id", "target"})
    return OneColumn(position, heading.form == "id", heading.label, rules.clear_token)


_ATTRIBUTES: Final = Dialect(
    shapes=True,
    parse=lambda label, _: grammar.parse_heading(label),
    headings=lambda names, _: grammar.targeted(list(map(grammar.parse_heading, names))),
    faults=header.header_faults,
    target=_one_column,
    resolve=resolve.resolve,
    refuse_overlaps=lambda headings, _kind, _rules: grammar.refuse_overlaps(headings),
    path_of=lambda heading, _: heading.path,
    has_no_type=lambda heading, _: heading.form in {"member", "attribute"} and not heading.suffix,
    role_of=roles.role_of,
    keys=lambda _type, _schema: COMMON_KEYS,
)

_MEMBERS: Final = Dialect(
    shapes=False,
    parse=member_names.parse_heading,
    headings=lambda names, rules: [member_names.parse_heading(name, rules) for name in names],
    faults=member_header.header_faults,
    target=KeyColumns,
    resolve=places.resolve,
    refuse_overlaps=places.refuse_overlaps,
    path_of=places.path_of,
    has_no_type=places.has_no_type,
    role_of=member_header.role_of,
    keys=keys_in,
)

DIALECTS: Final[Mapping[Grammar, Dialect]] = {"attributes": _ATTRIBUTES, "members": _MEMBERS}
"""By what the columns of an API name."""


def keys_of(type_name: str, schema: Schema) -> Keys:
    """Return the columns that say what the rows of a sheet are about.

    Args:
        type_name: of rows that do not name one; empty when each does.
        schema: of the API that the rows are for.
    """
    return DIALECTS[schema.grammar].keys(type_name, schema)


def header_faults(names: Sequence[str], rules: Rules) -> Iterator[InputRefused]:
    """Yield everything that is wrong with a sheet's header, worst first."""
    return DIALECTS[rules.schema.grammar].faults(names_of(names), rules)
