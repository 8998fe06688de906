"""A kind of file: its model, and what only its kind knows of mistakes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from jobs.toml.problems import Path, Problem
from jobs.toml.shape import Shape

T = TypeVar("T", bound=BaseModel)


def _nothing(_: Any) -> Iterable[Problem]:
    return ()


def _no_words(_: Path) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[T]):
    """A kind of file.

    Attributes:
        model: of the file as a whole.
        whole: what a key above the first table belongs to, in words.
        bounds: what to say of a value that has the right type and does not fit, by pydantic's type of error.
        aliases: what words that a value may be are called elsewhere, in small letters.
        free: tables whose keys the user chooses, and which may have the names of ours.
        traps: yields what TOML made of a text that was meant otherwise, from its data.
        stranger: says what to do about a key that is none of ours; empty where nothing special is known.
        check: yields what is wrong with the values.
    """

    model: type[T]
    whole: str
    bounds: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    free: frozenset[str] = frozenset()
    traps: Callable[[Mapping[str, Any]], Iterable[Problem]] = _nothing
    stranger: Callable[[Path], str] = _no_words
    check: Callable[[T], Iterable[Problem]] = _nothing

    @property
    def shape(self) -> Shape:
        """What the file may hold."""
        return Shape(self.model)
