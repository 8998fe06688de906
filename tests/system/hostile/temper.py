"""How a server is strange for as long as it serves: what it stores, when that takes effect, and what its reads show."""

import unicodedata
from dataclasses import dataclass
from random import Random

VISIBLE_WITHIN = 5.0
"""Seconds: of rows whose change can be read that soon, nearly all have to end `applied`."""


@dataclass(frozen=True, slots=True)
class Temper:
    """The standing habits of a server. The default has none.

    Attributes:
        late: seconds between a request and its change taking effect: from 0 to `late`, or `late` exactly if `exact`.
        lag: seconds by which a read may be behind the records.
        index_lag: seconds for which a list may omit a record after its change.
        canonical: whether texts are stored trimmed, composed (NFC), with `\\n` line ends, e-mail in lower case.
        page_cap: records of a page at most, whatever the query asks for; 0 for no cap.
        ignores_filters: whether lists show all records, page by page.
    """

    late: float = 0.0
    exact: bool = False
    lag: float = 0.0
    index_lag: float = 0.0
    canonical: bool = False
    page_cap: int = 0
    ignores_filters: bool = False

    def stored(self, value: str) -> str:
        """Return the form in which the server keeps a text."""
        if not self.canonical:
            return value
        text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        return text.lower() if "@" in text else text

    def lateness(self, dice: Random) -> float:
        """Return the seconds until one change takes effect."""
        return self.late if self.exact or not self.late else dice.uniform(0, self.late)


CALM = Temper()


def temper_of(seed: int) -> Temper:
    """Return the habits that a seed chooses. A change is always visible within `VISIBLE_WITHIN`."""
    dice = Random(f"temper:{seed}")
    return Temper(
        late=dice.choice((0.0, 0.0, 1.0, 2.5)),
        lag=dice.choice((0.0, 0.0, 0.5, 2.0)),
        index_lag=dice.choice((0.0, 0.0, 3.0)),
        canonical=dice.random() < 0.5,
        page_cap=dice.choice((0, 0, 10)),
        ignores_filters=dice.random() < 0.2,
    )
