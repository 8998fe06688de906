"""Django's shop as a stranger: its records, its process, and its database as the judge reads it."""

import json
import random
import sqlite3
import string
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.system.strangers import cellar
from tests.system.strangers.judge import GONE, ONCE, Aim, Record
from tests.system.strangers.processes import Street, free_port
from tests.system.strangers.story import Sheet

TABLES: Final = {
    "stripe_payments": "shop_stripepayment",
    "skus": "shop_sku",
    "customers": "shop_customer",
    "authorizations": "shop_authorization",
}
JSON_COLUMNS: Final = frozenset({"metadata", "options"})
VOLATILE: Final = frozenset({"id", "created_at", "updated_at"})

CREDENTIALS: Final = {"ROWPATCH_CLIENT_ID": "stranger", "ROWPATCH_CLIENT_SECRET": "made-up"}
ORDER: Final = "oRdErIdXyZ"
NOBODY: Final = "nObOdYaTaL"


@dataclass(frozen=True, slots=True)
class Shop:
    """A running shop."""

    url: str
    database: Path

    def dump(self, type_name: str) -> dict[str, Record]:
        """Return the rows of the table as SQLite has them, with its JSON parsed."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as base:
            base.row_factory = sqlite3.Row
            return {row["id"]: _record(dict(row)) for row in base.execute(f"SELECT * FROM {TABLES[type_name]}")}

    def overwrite(self, type_name: str, identity: str, path: tuple[str, ...], value: str) -> None:
        """Write one field, or one key of an object, behind Django's back."""
        column, *keys = path
        new = "?" if not keys else f"json_set({column}, '$.{keys[0]}', ?)"
        self.execute(f"UPDATE {TABLES[type_name]} SET {column} = {new} WHERE id = ?", value, identity)

    def execute(self, statement: str, *values: Any) -> None:
        """Run one statement on the database."""
        with closing(sqlite3.connect(self.database, timeout=20)) as base, base:
            base.execute(statement, values)


def _record(row: dict[str, Any]) -> Record:
    kept = {name: value for name, value in row.items() if name not in VOLATILE}
    return {
        name: json.loads(value) if name in JSON_COLUMNS and isinstance(value, str) else value
        for name, value in kept.items()
    }


def opened(street: Street, rows: int, env: Mapping[str, str] | None = None, port: int = 0) -> Shop:
    """Start a shop with so many records of each type, on that port or a free one."""
    program = cellar.python("django", cellar.DJANGO)
    port = port or free_port()
    database = street.folder / "shop.sqlite3"
    world = {"SHOP_DATABASE": str(database), "PYTHONPATH": str(cellar.SERVERS), "PYTHONDONTWRITEBYTECODE": "1"}
    records = json.dumps(_stock(rows)).encode()
    street.open("shop", [program, "-m", "shop.serve", str(port)], port, env={**world, **(env or {})}, stdin=records)
    return Shop(f"http://127.0.0.1:{port}", database)


def identities(rows: int, seed: str) -> list[str]:
    """Return ids of Commerce Layer's shape: ten letters, told apart by upper and lower case too."""
    dice = random.Random(seed)
    return ["".join(dice.choices(string.ascii_letters, k=10)) for _ in range(rows)]


def _stock(rows: int) -> dict[str, list[Record]]:
    def common(type_name: str, of: Callable[[int], Record]) -> list[Record]:
        return [
            {"id": identity, "reference": f"ref-{place}", "metadata": {"owner": "erp", "ratio": 0.1, "n": place}}
            | of(place)
            for place, identity in enumerate(identities(rows, type_name))
        ]

    return {
        "Order": [{"id": ORDER}],
        "StripePayment": common("stripe_payments", lambda _: {"options": {"customer": "cus_0", "kept": [1, 2.5]}}),
        "Sku": common("skus", lambda place: {"code": f"SKU{place:05}", "name": f"Shirt {place}", "weight": "1.500"}),
        "Customer": common("customers", lambda place: {"email": f"c{place}@example.com"}),
        "Authorization": common("authorizations", lambda _: {}),
    }


def payments(rows: int, *, doubles: bool = True) -> Sheet:
    """Every kind of column; trimmed text, a link, rows for nobody, several rows of one record, values too long."""
    header = ("id", "reference", "metadata.batch", "metadata.count:int", "options.customer", "order")
    cells: list[list[str]] = []
    aims: list[Aim] = []
    for place, identity in enumerate(identities(rows, "stripe_payments")):
        text = (f"paid {place}", f"  padded {place} ", f"Zoë 🧾 {place}", f"{place:05}")[place % 4]
        customer = f" cus {place} " if place % 3 else ""
        row = [identity, text, f" B{place % 7}", str(place), customer, ORDER if place % 5 == 0 else ""]
        sets: dict[tuple[str, ...], Any] = {
            ("reference",): text.strip(),
            ("metadata", "batch"): f" B{place % 7}",
            ("metadata", "count"): place,
        }
        if customer:
            sets["options", "customer"] = customer
        if place % 5 == 0:
            sets["order_id",] = ORDER
        if place % 23 == 7:
            row[1] = "x" * 41  # one more than the column holds
            sets["reference",] = row[1]
        if place % 29 == 11:
            row[0] = f"{NOBODY[:8]}{string.ascii_lowercase[place % 26]}{string.ascii_lowercase[place // 26]}"
        cells.append(row)
        aims.append(Aim(row[0], sets))
    for place, identity in enumerate(identities(rows, "stripe_payments")[: rows // 20 if doubles else 0]):
        cells.append([identity, "", "<clear>", "", "", ""])
        aims.append(Aim(identity, {("metadata", "batch"): GONE}))
        cells.append([identity, f"last {place}", "", "", "", ""])
        aims.append(Aim(identity, {("reference",): f"last {place}"}))
    return Sheet("stripe_payments", header, cells, aims, ("reference",))


def skus(rows: int) -> Sheet:
    """Records by reference; unique codes, decimals, choices, negative and boolean values."""
    header = ("reference", "name", "weight", "pieces_per_pack", "unit_of_weight", "do_not_ship", "metadata.season")
    cells, aims = [], []
    for place, identity in enumerate(identities(rows, "skus")):
        weight = ("2.5", "12.3456", "1e2", "0.125")[place % 4]  # the second has a digit too many
        pieces = "-1" if place % 31 == 5 else str(place)  # must not be negative
        reference = f"ref-{place}" if place % 37 != 3 else f"ref {place}"  # nobody's
        unit = ("gr", "oz", "")[place % 3]
        cells.append([reference, f" Shirt  {place}", weight, pieces, unit, ("true", "")[place % 2], "SS27"])
        sets: dict[tuple[str, ...], Any] = {
            ("name",): f"Shirt  {place}",
            ("weight",): _decimal(weight),
            ("pieces_per_pack",): int(pieces),
            ("metadata", "season"): "SS27",
        }
        sets |= {("unit_of_weight",): unit} if unit else {}
        sets |= {("do_not_ship",): 1} if place % 2 == 0 else {}
        aims.append(Aim(identity if reference.startswith("ref-") else NOBODY, sets))
    return Sheet("skus", header, cells, aims, ("name",))


def customers(rows: int) -> Sheet:
    """E-mail addresses that Django keeps in a form of its own, or not at all."""
    header = ("id", "email", "tax_exemption_code", "reference_origin", "metadata.segment")
    cells, aims = [], []
    for place, identity in enumerate(identities(rows, "customers")):
        email, kept = (
            (f"New{place}@Example.COM", f"New{place}@example.com"),
            (f" padded{place}@example.org ", f"padded{place}@example.org"),
            (f"plain{place}@example.net", f"plain{place}@example.net"),
        )[place % 3]
        if place % 19 == 4:
            email = kept = f"not an address {place}"
        if place % 41 == 9:
            email = kept = "c0@example.com" if place == 9 else "c1@example.com"  # somebody else's, for a while
        cells.append([identity, email, f"no_{place}" if place % 2 else "", "<clear>", "retail"])
        sets: dict[tuple[str, ...], Any] = {
            ("email",): kept,
            ("reference_origin",): None,
            ("metadata", "segment"): "retail",
        }
        aims.append(Aim(identity, sets | ({("tax_exemption_code",): f"no_{place}"} if place % 2 else {})))
    return Sheet("customers", header, cells, aims, ("email",))


def authorizations(rows: int) -> Sheet:
    """A trigger that counts how often it was fired, beside a value that is trimmed."""
    header = ("id", "_capture", "reference", "metadata.batch")
    cells, aims = [], []
    for place, identity in enumerate(identities(rows, "authorizations")):
        text = f"r {place} " if place % 2 else f"r{place}"
        cells.append([identity, "true", text, "B"])
        aims.append(Aim(identity, {("captured",): ONCE, ("reference",): text.strip(), ("metadata", "batch"): "B"}))
    return Sheet("authorizations", header, cells, aims)


def _decimal(text: str) -> Any:
    """Return a decimal as SQLite keeps it in Django's column: a number, whole where it is whole."""
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
