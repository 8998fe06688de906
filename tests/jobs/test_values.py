"""Values of a row: as comparable as frozen ones, and cheaper to make."""

from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest

from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Cheap:
    row: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Frozen:
    row: int
    text: str = ""


def test_values_of_one_class_with_the_same_content_are_equal_and_hash_alike() -> None:
    assert Cheap(1, "a") == Cheap(1, "a") != Cheap(1, "b")
    assert hash(Cheap(1, "a")) == hash(Cheap(1, "a"))
    assert Cheap(1) != Frozen(1)  # type: ignore[comparison-overlap]  # the type checker knows it, too
    assert replace(Cheap(1), text="b") == Cheap(1, "b")


def test_a_value_differs_from_a_frozen_one_only_in_who_keeps_it_from_being_changed() -> None:
    assert repr(Cheap(1)).replace("Cheap", "Frozen") == repr(Frozen(1))
    assert [field.name for field in fields(Cheap)] == [field.name for field in fields(Frozen)]
    assert not hasattr(Cheap(1), "__dict__")
    with pytest.raises(FrozenInstanceError):
        Frozen(1).row = 2  # type: ignore[misc]  # that is what it is about
    Cheap(1).row = 2  # type: ignore[misc]  # the type checker refuses it, and must: the comment would be unused
