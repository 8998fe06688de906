"""The grammar of column names that name members of a body.

VARIABLE  type  NAME  NAME.NAME  /POINTER  SET.add  SET.remove  __reserved    each of the middle ones [:suffix]
"""

import re
from typing import Final

from jobs.columns.grammar import Heading, reserved, split_suffix
from jobs.columns.problems import NotAColumn
from jobs.columns.rules import Rules
from jobs.names import name_of, steps_of

_BAD_ESCAPE: Final = re.compile(r"~(?![01])")


def parse_heading(label: str, rules: Rules) -> Heading:
    """Take a column name apart.

    `type` is a field like others where `--type` says the resource. A pointer always means a field, so that one can have
    the name of something else.

    Raises:
        NotAColumn: the name follows no rule. Whether anything is known of such a field is not looked at here.
    """
    if label.startswith("__"):
        return reserved(label)
    base, suffix = split_suffix(label)
    if base.startswith("/"):
        if _BAD_ESCAPE.search(base):
            raise NotAColumn(f"`{label}` is no JSON pointer: write ~ in a name as ~0, and / as ~1")
        return Heading(label, "field", name_of(steps_of(base)), "", suffix)
    if base in rules.schema.fixed:
        raise NotAColumn(
            f"`{base}` is a part of the API's address, which no column can change: pass --set {base}=VALUE;"
            f" a field of that name is written `/{base}`"
        )
    is_key = base in _variables(rules)
    if is_key or (base == "type" and not rules.type):
        if suffix:
            raise NotAColumn(f"`{base}` takes no `:{suffix}`")
        return Heading(label, "key" if is_key else "type", base)
    steps = steps_of(base)
    if not all(steps):
        raise NotAColumn(f"`{label}` is not complete: write a dot that belongs to a name as in `/{base}`")
    return Heading(label, "field", name_of(steps), "", suffix)


def _variables(rules: Rules) -> set[str]:
    """Return the variables of a record's path: of the resource, or of all where rows name theirs."""
    if rules.type:
        return set(rules.schema.keys(rules.type))
    return {variable.name for kind in rules.schema.kinds for variable in kind.variables}
