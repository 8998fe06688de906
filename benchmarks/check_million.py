"""What a check costs a row, and how much memory it takes, on sheets of two sizes.

make hunt NAME=million-check
python -m benchmarks.check_million [ROWS ...]
"""

import random
import resource
import string
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.commerce_layer import COMMERCE_LAYER
from worker.checking import check
from worker.cli.guarded import collect_seldom
from worker.settings import Input

HEADER = "id,reference,metadata.batch,metadata.cost_centre,metadata.note,metadata.reviewed:bool,metadata.boxes:int\n"


def write(path: Path, rows: int) -> None:
    """Write a realistic sheet: one id in a thousand occurs twice, one cost centre in a thousand lost its zeros."""
    dice = random.Random(5)
    with path.open("w", encoding="utf-8") as sheet:
        sheet.write(HEADER)
        letters: list[str] = []
        for row in range(rows):
            if row % 1000:
                letters = dice.choices(string.ascii_letters, k=10)
            centre = f"{row % 90 + 1:04}" if row % 1000 else str(row % 90 + 1)
            sheet.write(
                f"{''.join(letters)},inv-2026-{row:07},2026-Q{row % 4 + 1},{centre},"
                f'"Müller & Söhne, parcel {row}",{"true" if row % 3 else "false"},{row % 50}\n'
            )


def measure(path: Path) -> str:
    """Check a sheet; return a line with the time it took and the peak memory of this process."""
    collect_seldom()  # as the program does
    how = Input(source=str(path), format="csv", metadata="replace")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    found = check(path, how, "stripe_payments", COMMERCE_LAYER.schema)
    whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    warned = {group.code: group.count for group in found.warnings}
    return (
        f"{found.rows:,} rows: {whole / found.rows * 1e6:.2f} us a row ({found.rows / whole:,.0f} rows/s), "
        f"peak {peak / 1024:.0f} MiB ({before / 1024:.0f} before); {warned}"
    )


def main() -> None:
    """Measure in a process of its own for each size."""
    if sys.argv[1:2] == ["--measure"]:
        print(measure(Path(sys.argv[2])))
        return
    for rows in map(int, sys.argv[1:] or ("100000", "1000000")):
        with TemporaryDirectory() as folder:
            sheet = Path(folder) / "sheet.csv"
            write(sheet, rows)
            subprocess.run([sys.executable, "-m", "benchmarks.check_million", "--measure", sheet], check=True)


if __name__ == "__main__":
    main()
