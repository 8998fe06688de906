"""What a column of a sheet is for, as far as that tells which damage to look for."""

from jobs.apis.schema import ResourceType
from jobs.columns.grammar import Heading
from jobs.columns.resolve import known_type, resolve, types_that_know
from jobs.columns.rules import Rules
from jobs.columns.slots import AttributeSlot, LinkSlot, MemberSlot
from jobs.damage import Role


def role_of(heading: Heading, rules: Rules) -> Role:
    """Return the role of a column that is not reserved and that `SheetColumns` has accepted.

    The default type decides if it has the column, else the first that has: types agree about what they share.
    """
    if heading.form == "id":
        return "id"
    if heading.form in {"type", "tags"}:
        return "other"
    if heading.form == "target" or (heading.form == "attribute" and not heading.suffix):
        return "text"
    if heading.form == "attribute":  # one that is written out is alike in all types
        return _role(heading, known_type(rules.schema.names[0], rules.schema), rules)
    kinds = types_that_know(heading.name, rules.schema)  # --type need not be among them where rows name their types
    return _role(heading, next((kind for kind in kinds if kind.name == rules.type), kinds[0]), rules)


def _role(heading: Heading, kind: ResourceType, rules: Rules) -> Role:
    slot = resolve(heading, kind, rules)
    if isinstance(slot, LinkSlot):
        return "other" if slot.relationship.many else "link"
    if isinstance(slot, MemberSlot) and slot.wanted == "any":
        return "untyped"
    if slot.wanted in {"integer", "float"}:
        return "number"
    if slot.wanted != "string" or (isinstance(slot, AttributeSlot) and slot.enum):
        return "other"
    attribute = kind.attributes.get(heading.name)
    return "date" if attribute and attribute.kind == "datetime" else "text"
