"""Pages for the tests of what asks for them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """Pages of one size, on which all records of a type can be read together."""

    page: int
    key_page: int

    @property
    def largest(self) -> int:
        """Return the rows on a page."""
        return self.page

    def size(self, _: str) -> int:
        """Return the rows on a page."""
        return self.page

    def group(self, _type: str, _key: str) -> str:
        """Return the one group there is."""
        return ""

    def sought(self, _type: str, reference: str) -> tuple[str, str]:
        """Return the one field that there is to look up by."""
        return "reference", reference

    def key(self, _: str) -> str:
        """Return the one key there is."""
        return "id"
