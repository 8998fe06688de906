"""The rows that every client sends: distinct, as large as real updates, with identical bodies byte for byte."""

import csv
import json
import zlib
from pathlib import Path
from typing import Final

TYPE: Final = "stripe_payments"
MEDIA: Final = "application/vnd.api+json"
FILLING: Final = (
    '"status":"authorized","amount_cents":12345,"currency_code":"EUR","formatted_amount":"123,45",'
    '"client_secret":null,"publishable_key":null,"options":{},"payment_method":{},"mismatched_amounts":false,'
    '"intent_amount_cents":12345,"stripe_id":"pi_1MqjqKBj9u2KzO5MZ3t3BA9n","connected_account":null,'
    '"return_url":"https://example.com/return","payment_instrument":{"type":"card","brand":"visa","last4":"4242"},'
    '"created_at":"2026-01-01T12:00:00.000Z","updated_at":"2026-11-25T12:00:00.000Z","reference_origin":null},'
    '"relationships":{'
    + ",".join(
        f'"{name}":{{"links":{{"self":"https://example.com/api/stripe_payments/x/relationships/{name}",'
        f'"related":"https://example.com/api/stripe_payments/x/{name}"}}}}'
        for name in ("order", "payment_gateway", "versions")
    )
    + "}"
)
"""The rest of a reply to an update: further attributes, and the relationships."""

HEADER: Final = ("id", "reference", "metadata.batch", "metadata.cost_centre")


def cells(number: int) -> tuple[str, ...]:
    """Return the cells of one row of the sheet."""
    return f"id{number:08d}", f"ref-{number:08d}", "2026-11", "007"


def path(number: int) -> str:
    """Return the path of the row's PATCH."""
    return f"/api/{TYPE}/id{number:08d}"


def body(number: int) -> bytes:
    """Return the body of the row's PATCH."""
    return (
        b'{"data":{"type":"stripe_payments","id":"id%08d","attributes":{"reference":"ref-%08d",'
        b'"metadata":{"batch":"2026-11","cost_centre":"007"}}}}' % (number, number)
    )


def checksum(rows: int) -> int:
    """Return the checksum that the raw server computes from all bodies, in any order."""
    return sum(zlib.crc32(body(number)) for number in range(rows)) & 0xFFFFFFFF


def write_sheet(file: Path, rows: int) -> None:
    """Write the rows as CSV."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(map(cells, range(rows)))


def write_objects(file: Path, rows: int) -> None:
    """Write the rows as NDJSON."""
    with file.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            stream.write(json.dumps(dict(zip(HEADER, cells(number), strict=True))) + "\n")


def write_workbook(file: Path, rows: int) -> None:
    """Write the rows as XLSX, with text in all cells."""
    import xlsxwriter  # noqa: PLC0415  # the other clients, who share these rows, have no such package

    with xlsxwriter.Workbook(str(file), {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        for number in range(rows):
            for column, text in enumerate(cells(number)):
                sheet.write_string(number + 1, column, text)


def write_pairs(file: Path, origin: str, rows: int) -> None:
    """Write the body and URL of each row, each ended by NUL, for xargs and GNU parallel."""
    file.write_bytes(b"".join(b"%s\0%s%s\0" % (body(n), origin.encode(), path(n).encode()) for n in range(rows)))


def write_curl(file: Path, origin: str, rows: int) -> None:
    """Write all transfers as one configuration file for curl."""
    with file.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            data = body(number).decode().replace('"', '\\"')
            stream.write(
                f'{"next" if number else ""}\nurl = "{origin}{path(number)}"\nrequest = PATCH\noutput = /dev/null\n'
                f'silent\nfail\nheader = "Content-Type: {MEDIA}"\nheader = "Accept: {MEDIA}"\n'
                f'header = "Authorization: Bearer x"\ndata-raw = "{data}"\n'
            )


def write_collection(folder: Path, origin: str, rows: int) -> None:
    """Write a collection with one request, and the data of its iterations, for newman."""
    request = {
        "method": "PATCH",
        "url": f"{origin}/api/{TYPE}/{{{{id}}}}",
        "header": [
            {"key": "Content-Type", "value": MEDIA},
            {"key": "Accept", "value": MEDIA},
            {"key": "Authorization", "value": "Bearer x"},
        ],
        "body": {"mode": "raw", "raw": "{{body}}"},
    }
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    collection = {"info": {"name": "rows", "schema": schema}, "item": [{"name": "row", "request": request}]}
    (folder / "collection.json").write_text(json.dumps(collection), encoding="utf-8")
    data = [{"id": cells(n)[0], "body": body(n).decode()} for n in range(rows)]
    (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
