"""Where the program differs from what a corpus expects, and why that is meant. The documents quote this table."""

import re
from dataclasses import dataclass
from typing import Final

from tests.system.corpora.finding import Finding


@dataclass(frozen=True, slots=True)
class Deviation:
    """One kind of deviation.

    Attributes:
        corpus: pattern of the corpus' name. `name`: of the fixtures' names. `outcome`: of what came of them.
    """

    corpus: str
    name: str
    outcome: str
    why: str


EXPLAINED: Final = (
    Deviation(
        "csv-spectrum",
        "location_coordinates",
        "read as .*'2095257564'.*",
        "The corpus contradicts itself: its CSV file has another telephone number than its JSON. All else is equal.",
    ),
    Deviation(
        "JSONTestSuite",
        "y_object_duplicated_key(_and_value)?",
        "refused: bad_json: the name .* stands twice in one object",
        "Refused on purpose: which of two values is meant is not ours to guess, and a parser would drop one silently.",
    ),
    Deviation(
        "JSONTestSuite",
        "n_structure_UTF8_BOM_no_data",
        re.escape("as a line: []"),
        "As a JSON cell it is refused. As an NDJSON file it is one without rows, which `apply` refuses as a whole.",
    ),
    Deviation(
        "naughty strings, (csv|tsv|xlsx)",
        "#[0-9]+ ''",
        "stored as None; skipped nothing_to_change",
        "An empty cell leaves its field alone; the empty text is written as `:json` with two quotes, or in NDJSON.",
    ),
)


def explanation(finding: Finding) -> int | None:
    """Place of the line in `EXPLAINED` that is about the finding, or None."""
    for place, line in enumerate(EXPLAINED):
        parts = ((line.corpus, finding.corpus), (line.name, finding.name), (line.outcome, finding.deviation))
        if all(re.fullmatch(pattern, text, re.DOTALL) for pattern, text in parts):
            return place
    return None
