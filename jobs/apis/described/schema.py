"""From the description of an API to the schema that columns are read by, and values compared."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, Literal

from jobs.apis.described.bodies import wrapped
from jobs.apis.described.fields import FieldRules
from jobs.apis.description.keys import variables_of
from jobs.apis.description.model import Description, FieldDescription, FieldType, ResourceDescription
from jobs.apis.description.templates import Hole, template
from jobs.apis.description.variables import constants as constants_of
from jobs.apis.description.variables import fixed_variables
from jobs.apis.fields import Attribute, Kind, Members, Scalar, Variable
from jobs.apis.limits import OTHERS
from jobs.apis.schema import ResourceType, Schema
from jobs.names import Steps, name_of, pointed, steps_of

_BY_RULE: Final = "The name of a type has letters, digits, _, - and . only"

_EVERY: Final = "*"
"""The last step of a name that stands for all members of an object which are not listed."""

_KINDS: Final[Mapping[FieldType, Kind]] = {
    "text": "string",
    "int": "integer",
    "float": "float",
    "bool": "boolean",
    "date": "date",
    "datetime": "datetime",
    "object": "object",
    "map": "map",
    "list": "list",
    "set": "set",
    "keyed": "keyed",
    "json": "json",
}

_OF_VALUES: Final[Mapping[type, Kind]] = {bool: "boolean", int: "integer", float: "float", str: "string"}


def schema_of(description: Description, constants: Mapping[str, str]) -> Schema:
    """Return the schema of a described API.

    Args:
        description: of the API.
        constants: values of variables that the user or the environment gives; the description has defaults.
    """
    types = {name: _type_of(name, resource) for name, resource in sorted(description.resources.items())}
    others = types.pop(OTHERS, None)
    return Schema(
        types,
        others=others,
        naming=_BY_RULE if others else f"There are {', '.join(f'`{name}`' for name in types)}",
        grammar="members",
        constants=constants_of(description, constants),
        fixed=fixed_variables(description),
    )


def _variables(resource: ResourceDescription) -> tuple[Variable, ...]:
    """Return the variables of a record's path; one is put into a case only if it is wherever the path has it."""
    holes = template(resource.path).holes
    cases = {name: {_case_of(hole) for hole in holes if hole.name == name} for name in variables_of(resource)}
    return tuple(Variable(name, found.pop() if len(found) == 1 else "") for name, found in cases.items())


def _case_of(hole: Hole) -> Literal["", "lower", "upper"]:
    return "lower" if "lower" in hole.transforms else "upper" if "upper" in hole.transforms else ""


def _type_of(name: str, resource: ResourceDescription) -> ResourceType:
    declared, defaults, rules = {}, {}, FieldRules(resource)
    for field, said in resource.fields.items():
        steps = steps_of(field)
        if steps[-1] == _EVERY:
            defaults[steps[:-1]] = _attribute(said, resource)
        else:
            declared[steps] = _attribute(said, resource)
    for steps in _guarding(resource):  # what a row says there would go out instead of what was read
        declared[steps] = replace(declared.get(steps, Attribute("any")), read_only=True)
    return ResourceType(
        name,
        attributes={name_of(steps): each for steps, each in declared.items() if not each.read_only},
        relationships={},
        variables=_variables(resource),
        finders=resource.find.by if resource.find else (),
        members=Members(declared, defaults, resource.omits_empty, rules.keeps_members, rules.decoded),
    )


def _guarding(resource: ResourceDescription) -> Iterator[Steps]:
    """Yield the fields by which an update is conditional in its own body."""
    if resource.precondition is None:
        return
    wrap = wrapped(FieldRules(resource))
    for pointer in resource.precondition.body:
        steps = pointed(pointer)
        if steps[: len(wrap)] == wrap and len(steps) > len(wrap):
            yield steps[len(wrap) :]


def _attribute(said: FieldDescription, resource: ResourceDescription) -> Attribute:
    clear = said.clear or ("empty" if resource.update.format == "form" else "null")
    return Attribute(
        _kind_of(said),
        choices=said.enum,
        of=_KINDS[said.of],
        key=_KINDS.get(said.key.partition(":")[2] or "text", "string"),  # type: ignore[call-overload]  # any text
        read_only=said.read_only,
        write_only=said.write_only,
        action=said.action,
        clearable=clear != "never",
        empties=clear == "empty",
        encode=said.encode or "",
        separator=said.sep,
    )


def _kind_of(said: FieldDescription) -> Kind:
    """Return the kind of a field; where no type is said, what else is said tells it."""
    if said.type is not None:
        return _KINDS[said.type]
    if said.key:
        return "keyed"
    if said.item or said.sep:
        return "list"
    if said.encode in {"epoch", "epoch_ms"}:
        return "datetime"
    if said.merge in {"shallow", "deep"}:
        return "object"
    return _kind_of_values(said.enum) if said.enum else "any"


def _kind_of_values(values: tuple[Scalar, ...]) -> Kind:
    kinds = {_OF_VALUES[type(value)] for value in values}
    return kinds.pop() if len(kinds) == 1 else "float" if kinds == {"integer", "float"} else "any"
