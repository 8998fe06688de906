"""How values are declared."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as valueclass
else:

    def valueclass(*, frozen: bool, slots: bool) -> Any:
        """Declare a class as `dataclass(frozen=True, slots=True)` does, frozen for the type checker alone.

        That is who keeps the promise here. The interpreter's own way of freezing makes the construction of a value
        three times as dear, 0.7 us each, and a row makes a dozen; and the class itself 0.2 ms dearer, of which a start
        makes two hundred.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["valueclass"]
