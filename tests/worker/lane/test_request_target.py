"""What a row says can never lead a request to another path, nor add to its query: judged by the bytes a server sees."""

import asyncio
import io
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.changes.diff import as_written
from jobs.columns import ObjectColumns, Rules, SheetColumns
from jobs.formats import InputRefused, read_objects
from jobs.model import Fields, ObjectRow, Request, RowRef, SheetRow, Unsendable, UpdateJob
from tests.commerce_layer import record_request, states_request, update_request
from tests.schemas import SCHEMA
from worker.lane.authority import Headers
from worker.lane.transport import Transport

TYPE = "orders"
REF = RowRef(1, 2, b"digest")
RULES = Rules(SCHEMA, type=TYPE)
HEADERS = Headers((("Authorization", "Bearer t"), ("Accept", "application/json")))

HOSTILE = [
    "a/b",
    "../../oauth/token",
    "..%2f..",
    "%2e%2e",
    "%2e",
    "%252e%252e%252f",
    "...",
    "a?x=1",
    "a#fragment",
    "a;b=1",
    "a&filter[q][id_in]=b",
    "a=b",
    "a%2Cb",
    "a+b",
    "\\..\\..\\",
    "//evil.example/",
    "http://evil.example/",
    "@evil.example",
    "a%0d%0aHost:evil.example",
    "a%00",
    "é",
    "e\u0301",
    "日本",
    "\uff0e\uff0e\uff0f",  # full-width `../`
    "\u2024\u2024",  # one-dot leaders
    "[]{}|^`\"<>'!*()$~:",
]
REFUSED = [
    "",
    ".",
    "..",
    "a b",
    " a",
    "a\t",
    "a\r\nX: y",
    "a\nb",
    "a\0b",
    "a\x7f",
    "a\x85b",
    "a\u00a0b",
    "a\u2028",
    "a,b",
]

ids = st.one_of(
    st.text(min_size=1),
    st.text("./\\%?#;&=+:@2eEfF0dDaA,[]", min_size=1),
    st.sampled_from(HOSTILE),
    st.tuples(st.sampled_from(HOSTILE), st.text()).map("".join),
)


class Wire:
    """A transport to a server that keeps the request targets as they came."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.targets: list[bytes] = []
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        self.transport = Transport(f"http://127.0.0.1:{port}", timeout=10, connections=1)
        await self.transport.__aenter__()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(length[0]) if length else 0)
            self.targets.append(head.split(b"\r\n", 1)[0].split(b" ", 1)[1].removesuffix(b" HTTP/1.1"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def target(self, request: Request) -> str:
        """The target of the request as the server sees it."""
        self.targets.clear()
        self.runner.run(self.transport.send(request, HEADERS))
        (target,) = self.targets
        return target.decode("ascii")

    def close(self) -> None:
        async def end() -> None:
            await self.transport.__aexit__()
            self.server.close()

        self.runner.run(end())
        self.runner.close()


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    running = Wire()
    yield running
    running.close()


def job_of(resource_id: str) -> UpdateJob | None:
    """The row's job, if it may be sent at all; the same whether a sheet or an object says the id."""
    found = SheetColumns(["id", "reference"], RULES).read(SheetRow(REF, [resource_id, "x"]))
    return found if isinstance(found, UpdateJob) else None


def assert_one_segment(path: str, resource_id: str) -> None:
    begin, *segments = path.split("/")
    assert (begin, *segments[:-1]) == ("", "api", TYPE)
    assert unquote(segments[-1], errors="strict") == resource_id
    assert segments[-1] not in {"", ".", ".."}
    assert segments[-1].isascii()
    assert segments[-1].isprintable()
    assert not set(segments[-1]) & set('?#/\\;&=+ "<>@:[]%') - {"%"}


@given(resource_id=ids)
@example("%2e%2e")
@example("\U0001f600")
def test_an_id_is_one_segment_of_the_path_or_is_never_sent(wire: Wire, resource_id: str) -> None:
    job = job_of(resource_id)
    if job is None:
        return
    update = wire.target(update_request(job, as_written(job), TYPE))
    assert_one_segment(update, resource_id)
    assert wire.target(record_request(TYPE, resource_id)) == update


@pytest.mark.parametrize("resource_id", HOSTILE)
def test_an_id_that_looks_like_a_way_out_stays_one_segment(wire: Wire, resource_id: str) -> None:
    job = job_of(resource_id)
    assert job is not None
    assert_one_segment(wire.target(update_request(job, as_written(job), TYPE)), resource_id)


def test_tags_add_a_query_of_our_own_only(wire: Wire) -> None:
    found = SheetColumns(["id", "tags.add"], RULES).read(SheetRow(REF, ["a?b=c#d", "vip"]))
    assert isinstance(found, UpdateJob)
    path, _, query = wire.target(update_request(found, as_written(found), TYPE)).partition("?")
    assert_one_segment(path, "a?b=c#d")
    assert query == "include=tags&fields[tags]=name"


@pytest.mark.parametrize("resource_id", REFUSED)
def test_what_no_id_contains_is_refused_from_sheets_and_objects(resource_id: str) -> None:
    assert job_of(resource_id) is None
    line = json.dumps({"id": resource_id, "reference": "x"}).encode()
    for record in read_objects(io.BytesIO(line)):
        assert isinstance(record, ObjectRow)
        assert isinstance(ObjectColumns(RULES).read(record), Unsendable)


def test_half_a_character_is_no_part_of_an_id() -> None:
    (record,) = read_objects(io.BytesIO(b'{"id":"a\\ud800","reference":"x"}'))
    assert isinstance(record, Unsendable)


@given(page=st.lists(ids, min_size=1, max_size=5), name=st.one_of(st.text(min_size=1), st.sampled_from(HOSTILE)))
def test_neither_ids_nor_names_add_to_the_query_of_a_lookup(wire: Wire, page: list[str], name: str) -> None:
    known = [resource_id for resource_id in page if job_of(resource_id)]
    if not known or "\ud800" in name or not name.isprintable():
        return
    fields = Fields(frozenset({name}), frozenset({name}), tags=True)
    target = wire.target(states_request(TYPE, known, fields))
    path, _, query = target.partition("?")
    assert path == f"/api/{TYPE}"
    pairs = parse_qsl(query, strict_parsing=True, keep_blank_values=True)
    assert [key for key, _ in pairs] == [
        "filter[q][id_in]", f"fields[{TYPE}]", "fields[tags]", "include", "page[size]", "page[number]",
    ]  # fmt: skip
    raw = query.split("&")[0].removeprefix("filter[q][id_in]=")
    assert [unquote(each) for each in raw.split(",")] == known
    assert not set(query) & set('#;\\ "<>')


@pytest.mark.parametrize(
    "name", ["..", ".", "orders/../skus", "orders?x", "orders#", "orders%2fx", "Orders", "orders\n", " "]
)
def test_a_type_is_one_of_the_catalogue_or_is_never_sent(name: str) -> None:
    with pytest.raises(InputRefused):
        SheetColumns(["id", "reference"], Rules(SCHEMA, type=name))
    with pytest.raises(InputRefused):
        ObjectColumns(Rules(SCHEMA, type=name))
    assert isinstance(
        SheetColumns(["id", "type", "reference"], Rules(SCHEMA)).read(SheetRow(REF, ["a", name, "x"])), Unsendable
    )
