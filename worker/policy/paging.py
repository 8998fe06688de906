"""Which records can be read together, and how many."""

from typing import Protocol

from jobs.apis.api import Api
from jobs.values import valueclass


class Paging(Protocol):
    """Knows which records can be read together."""

    @property
    def largest(self) -> int:
        """Return the rows on the largest page there is."""

    @property
    def key_page(self) -> int:
        """Return the references on a page of look-ups."""

    def size(self, type_name: str, /) -> int:
        """Return the rows on a page of a type."""

    def group(self, type_name: str, key: str, /) -> str:
        """Return what records of a type have in common that can be read together."""

    def sought(self, type_name: str, reference: str, /) -> tuple[str, str]:
        """Return the field and the value that a record of a type is looked up by."""

    def key(self, type_name: str, /) -> str:
        """Return the part of their keys, as a column names it, that tells records of a type apart."""


@valueclass(frozen=True, slots=True)
class Pages:
    """The pages of an API."""

    api: Api

    @property
    def largest(self) -> int:
        """Return the rows on the largest page of any type."""
        return self.api.page

    @property
    def key_page(self) -> int:
        """Return the references on a page of look-ups."""
        return self.api.key_page

    def size(self, type_name: str) -> int:
        """Return the rows on a page of a type."""
        return self.api.resource(type_name).page

    def group(self, type_name: str, key: str) -> str:
        """Return what records of a type have in common that can be read together."""
        return self.api.resource(type_name).group(key)

    def sought(self, type_name: str, reference: str) -> tuple[str, str]:
        """Return the field and the value that a record of a type is looked up by."""
        return self.api.resource(type_name).sought(reference)

    def key(self, type_name: str) -> str:
        """Return the part of their keys, as a column names it, that tells records of a type apart."""
        return self.api.schema.sought(type_name)
