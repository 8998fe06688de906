import pytest

from jobs.apis.fields import Attribute, Kind, Members
from tests.schemas import DESK

KIND = DESK.resource_type("tickets")
assert KIND is not None
TICKETS = KIND.members
LOOSE = Members(
    {("a", "b"): Attribute("integer")},
    {(): Attribute("string"), ("c",): Attribute("float"), ("d", "e"): Attribute("boolean")},
)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (("priority",), "string"),
        (("address",), "object"),
        (("address", "zip"), "string"),
        (("metadata", "a"), "string"),  # what the map is of
        (("metadata", "a", "b"), "string"),
        (("metadata", "rank"), "integer"),  # declared by itself
        (("custom_fields", "7"), "string"),
        (("level",), "integer"),  # by its values
    ],
)
def test_a_field_has_a_rule(steps: tuple[str, ...], kind: Kind) -> None:
    found = TICKETS.rule(steps)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("steps", [("subject",), ("address", "city"), ("x", "y")])
def test_nothing_is_known_of_others(steps: tuple[str, ...]) -> None:
    assert TICKETS.rule(steps) is None
    assert not TICKETS.has_default(steps)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (("x",), "string"),
        (("a",), "object"),  # since a member of it is declared
        (("a", "b"), "integer"),
        (("a", "x"), "string"),
        (("c",), "object"),
        (("c", "x"), "float"),  # the nearest counts
        (("d",), "object"),
        (("d", "x"), "string"),
        (("d", "e", "x"), "boolean"),
    ],
)
def test_a_default_is_the_rule_of_what_is_not_declared(steps: tuple[str, ...], kind: Kind) -> None:
    found = LOOSE.rule(steps)
    assert found is not None
    assert found.kind == kind
    assert LOOSE.has_default(steps)


@pytest.mark.parametrize(
    ("steps", "length"),
    [(("address", "zip"), 0), (("metadata", "a", "b"), 1), (("tags", "a"), 1), (("due", "a"), 1), (("x", "y"), 0)],
)
def test_some_fields_hold_no_fields(steps: tuple[str, ...], length: int) -> None:
    assert TICKETS.holder(steps) == length


def test_declared_fields_stand_beside_each_other() -> None:
    assert TICKETS.beside(("address", "x")) == {"zip", "moved_at", "lines", "marks", "pin", "kind", "id"}
    assert "address" in TICKETS.beside(("x",))
    assert TICKETS.beside(("x", "y")) == frozenset()
    assert TICKETS.knows(("address",))
    assert not TICKETS.knows(("address", "city"))
