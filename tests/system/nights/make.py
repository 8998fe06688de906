"""Write the reports of the ten nights anew: `python -m tests.system.nights.make`. Read the difference line by line."""

import sys

from tests.system.nights.ten_nights import REPORTS, happen
from tests.system.nights.worlds import KINDS


def main() -> int:
    """Write them; return 1 if a night was not as it should be."""
    wrong = []
    for kind in KINDS:
        tale = happen(kind)
        folder = REPORTS / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(tale.pages, 1):
            (folder / f"night-{number:02}.txt").write_text(page, encoding="utf-8")
        wrong += [f"{kind}: {each}" for each in tale.wrong]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
