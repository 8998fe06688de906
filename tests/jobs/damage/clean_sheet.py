"""Sheets by seeds whose forty columns are of every kind that people have, and undamaged. Hunt through many with

python -m tests.jobs.damage.clean_sheet 400
"""

import base64
import random
import string
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from jobs.damage import Column, Examination, Role, Sign
from jobs.model import RowRef

SIZES = (3, 12, 30, 200, 3000)
"""Rows of a sheet."""


def columns(dice: random.Random) -> Iterator[tuple[str, Role, Callable[[], str]]]:
    """Name, role and values of each column."""
    some, many, below = dice.choice, dice.choices, dice.randrange
    yield "id", "id", lambda: "".join(many(string.ascii_letters, k=10))
    yield "order", "link", lambda: "".join(many(string.ascii_letters, k=10))
    yield "reference", "text", lambda: str(uuid.UUID(int=dice.getrandbits(128)))
    yield "reference_origin", "text", lambda: f"{some(('A', 'B', 'INV'))}-{below(10**5)}"
    yield "metadata.number", "untyped", lambda: str(below(10 ** some((3, 5, 6, 8))))
    yield "metadata.sku", "untyped", lambda: some(string.ascii_uppercase) + str(below(1, 13)) + some("SML")
    yield "metadata.serial", "untyped", lambda: "".join(many("0123456789ABCDEF", k=8))
    yield "metadata.digits", "untyped", lambda: "".join(many(string.digits, k=13))
    yield "metadata.ean", "untyped", lambda: "40" + "".join(many(string.digits, k=11))
    yield "metadata.hex", "untyped", lambda: f"{dice.getrandbits(64):x}"
    yield "metadata.sha", "untyped", lambda: f"{dice.getrandbits(160):040x}"
    yield "metadata.zip", "untyped", lambda: str(below(10_000, 99_999))
    yield "metadata.plz", "untyped", lambda: f"{below(1_000, 99_999):05}"
    yield "metadata.postcode", "untyped", lambda: some(("SW1A 1AA", "EC1A 1BB", "M1 1AE", "B33 8TH"))
    yield "metadata.quantity", "untyped", lambda: str(below(1, 1500))
    yield "metadata.price", "untyped", lambda: f"{below(10**6) / 100:.2f}"
    yield "metadata.amount", "untyped", lambda: str(below(10**6) / 100)
    yield "metadata.ratio", "untyped", lambda: str(dice.random() * 10 ** below(-6, 6))
    yield "metadata.phone", "untyped", lambda: some(("0", "+49 ", "0049")) + str(below(10**7, 10**11))
    yield "metadata.mobile", "untyped", lambda: "0" + str(below(10**8, 10**10))
    yield "metadata.card", "untyped", lambda: str(below(10**15, 10**16))
    yield "metadata.snowflake", "untyped", lambda: str(below(10**17, 10**19))
    yield "metadata.name", "untyped", lambda: some(("Zoë", "Müller & Söhne", "O’Neill", "Łódź", "São Paulo", "«Été»"))
    yield (
        "metadata.note",
        "untyped",
        lambda: " ".join(many(("call", "12", "€5", "–", "2026-03-01", "Mar 24", "(ok)"), k=below(2, 9))),
    )
    yield "metadata.day", "untyped", lambda: str(date(2020, 1, 1) + timedelta(below(2000)))
    yield "metadata.when", "untyped", lambda: str(date(2020, 1, 1) + timedelta(below(2000)))
    yield "metadata.measure", "untyped", lambda: f"{below(99)}x{below(99)}"
    yield "metadata.range", "untyped", lambda: f"{below(10)}-{below(10, 30)}"
    yield "metadata.share", "untyped", lambda: f"{below(1, 4)}/{below(2, 9)}"
    yield "metadata.size", "untyped", lambda: some(("S", "M", "L", "XL", "38", "40", "42", "44"))
    yield "metadata.country", "untyped", lambda: some(("NA", "NO", "DE", "US", "IT"))
    yield "metadata.state", "untyped", lambda: some(("open", "closed", "pending"))
    yield "metadata.time", "untyped", lambda: f"{below(24):02}:{below(60):02}"
    yield "metadata.version", "untyped", lambda: f"{below(3)}.{below(20)}.{below(9)}"
    yield "metadata.host", "untyped", lambda: ".".join(str(below(256)) for _ in range(4))
    yield "metadata.url", "untyped", lambda: f"https://x.example/a?b={below(999)}&c=%20"
    yield "metadata.mail", "untyped", lambda: f"u{below(999)}@x.example"
    yield "metadata.base64", "untyped", lambda: base64.b64encode(dice.randbytes(below(4, 12))).decode()
    yield "metadata.colour", "untyped", lambda: f"#{below(1 << 24):06x}"
    yield "metadata.percent", "untyped", lambda: f"{below(100)}%"
    yield "metadata.lot", "untyped", lambda: f"{below(10**4):04}{some(('', 'A', 'B'))}"


def signs(seed: int) -> list[Sign]:
    """What is taken for damage in the sheet of that seed; every tenth cell of it is empty."""
    dice = random.Random(seed)
    rows = dice.choice(SIZES)
    found = list(columns(dice))
    sheet = [
        ["" if label != "id" and dice.random() < 0.1 else value() for label, _, value in found] for _ in range(rows)
    ]
    examination = Examination(
        [Column(label, role, index) for index, (label, role, _) in enumerate(found)], ten_letter_ids=True
    )
    examination.see_rows([RowRef(row, row + 1, b"") for row in range(1, rows + 1)], sheet)
    return examination.signs()


def main() -> None:
    seeds = int(sys.argv[1])
    wrong = [(seed, sign) for seed in range(seeds) for sign in signs(seed)]
    for seed, sign in wrong:
        print(seed, sign.code, sign.column.label, sign.count, [each.cell for each in sign.examples])
    print(f"{seeds} sheets, {len(wrong)} false alarms")


if __name__ == "__main__":
    main()
