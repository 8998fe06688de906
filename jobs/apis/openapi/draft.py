"""The draft of a description: TOML that a person goes on with, with a comment at all that has to be found out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from jobs import texts
from jobs.apis.described.bodies import CONTENT_TYPES
from jobs.apis.documents import mapping
from jobs.apis.openapi import fields
from jobs.apis.openapi.access import Access, Address, access, address, variable
from jobs.apis.openapi.candidates import Candidate, free_name, holes
from jobs.apis.openapi.document import Document, word
from jobs.apis.openapi.fields import FieldSource
from jobs.apis.openapi.headers import Headers, headers
from jobs.apis.openapi.many import suggestions
from jobs.apis.openapi.messages import parameters, schema_of_reply, success_of
from jobs.apis.openapi.places import error_places, json_api_layout, json_api_type, layout
from jobs.apis.openapi.schemas import Shape, Shapes
from jobs.apis.openapi.toml import comment, pair, quoted
from jobs.names import pointer_to
from jobs.toml.writing import key_of

PROBE: Final = "rowpatch probe finds out"
PROBE_FIELD: Final = "rowpatch probe --field NAME.MEMBER finds out"
_FAILURES: Final = ("422", "400", "4XX", "4xx", "409", "404", "403", "401", "default")
_NOISE: Final = frozenset({"api", "apis", "rest", "the", "openapi", "spec", "specification", "public", "official", "s"})
_PARTIAL: Final = re.compile(
    r"(?:\b(?:unspecified|unset|missing|omitted)"
    r"|(?:\bnot|n't) (?:be )?(?:provided?|specif(?:y|ied)|supplied|supply|included?|pass|passed|set|sen[dt]))\b.*"
    r"(?:\b(?:unchanged|unmodified|untouched|ignored|kept)"
    r"|(?:\bnot|n't) (?:be )?(?:changed|modified|updated|affected))\b"
    r"|\bonly (?:the )?(?:\w+ )?(?:fields|attributes|parameters|properties|values) (?:that )?(?:you |are )?"
    r"(?:provided?|specif(?:y|ied)|supplied|pass|passed|sen[dt]|included?|given|set|present)\b",
    re.IGNORECASE,
)
"""How a sentence says that an update keeps what it does not name."""

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_CHOOSING: Final = ("fields", "properties", "select", "$select", "opt_fields", "attributes")
"""Query parameters that choose what a read shows."""


def draft(shapes: Shapes, chosen: Sequence[Candidate], left_out: Sequence[str] = ()) -> str:
    """Return the draft of a description for some candidates; `left_out` are updates that it says nothing of.

    Raises:
        DocumentRefused: a text that the draft needs holds half of a character.
    """
    document = shapes.document
    where = address(document, [holder for each in chosen for holder in (each.operation, each.item)])
    how = access(document, [each.operation for each in chosen], where.base_url)
    said = headers(document, chosen, [str(how.keys.get("header", ""))])
    resources = [Resource(shapes, each, where) for each in chosen]
    lines = [*_api(shapes, resources, where, said, left_out), "", *_auth(how)]
    taken: set[str] = set()
    for each in resources:
        lines += ["", *each.lines(free_name(each.name, taken), said)]
    return "\n".join(lines) + "\n"


def name_of_api(document: Document) -> str:
    """Return a name for an API, made of the title of its document."""
    title = word(mapping(document.data.get("info")).get("title")).lower()
    words = [each for each in re.findall(r"[a-z0-9]+", title) if each not in _NOISE]
    return "_".join(words[:3])[:40] or "api"


def _api(
    shapes: Shapes, resources: Sequence["Resource"], where: Address, said: Headers, left_out: Sequence[str]
) -> Iterator[str]:
    document = shapes.document
    info = mapping(document.data.get("info"))
    title, version = quoted(word(info.get("title")) or "an API"), quoted(str(info.get("version", "")), 40)
    form = f"{'Swagger' if document.is_swagger else 'OpenAPI'} {quoted(document.version, 20)}"
    said_of = " ".join(filter(None, (title, version)))
    yield from comment(f"Drafted by rowpatch apis import from the document of {said_of} ({form}).")
    yield from comment('Nothing was tried. "unknown" marks what the document does not say.')
    yield from comment("Next: rowpatch apis check FILE, then rowpatch probe on one record that may change.")
    if left_out:
        told = quoted(texts.listed(left_out))
        yield from comment(f"Left out, since the document says no body in JSON or a form that they take: {told}")
    yield ""
    yield pair("name", name_of_api(document))
    yield pair("verified", f"drafted from the vendor's document{version and ' '}{version}; nothing was tried")
    yield from map(_remarked, where.remarks)
    if where.base_url:
        yield pair("base_url", where.base_url)
    if where.variables:
        yield pair("variables", where.variables)
    yield from _headers(said)
    yield from _errors(shapes, resources)
    yield from comment("unknown: settle_s, how long reads lag behind writes; rowpatch probe --field NAME finds out")


def _headers(said: Headers) -> Iterator[str]:
    if said.fixed:
        yield pair("headers", said.fixed)
    for name in said.needed:
        yield from comment(f"unknown: the value of the header {name}, which the document requires: headers = {{ }}")
    if said.idempotency_key:
        yield pair("idempotency_key", said.idempotency_key)
    known = "429 is documented" if said.is_throttled else "the document does not mention any"
    yield from comment(f'unknown: limits ({known}), like limits = [{{ rate = "100/60s" }}]')
    if said.limits:
        listed = texts.listed(list(said.limits))
        yield from comment(f"replies tell limits in {listed}; limit_headers, if rowpatch does not understand them")


def _errors(shapes: Shapes, resources: Sequence["Resource"]) -> Iterator[str]:
    for each in resources:
        replies = mapping(each.candidate.operation.get("responses"))
        for status in (one for one in _FAILURES if one in replies):
            places = error_places(shapes, shapes.of(schema_of_reply(shapes.document, replies[status])))
            if places:
                yield pair("errors", places, f"as documented for {status}")
                return
    yield from comment("unknown: errors, where failures say what is wrong; rowpatch probe says where it meets some")


def _auth(how: Access) -> Iterator[str]:
    yield "[auth]"
    yield from (pair(name, given) for name, given in how.keys.items())
    yield from map(_remarked, how.remarks)


def _remarked(text: str) -> str:
    return "\n".join(comment(text))


class Resource:
    """One type of records in a draft."""

    def __init__(self, shapes: Shapes, candidate: Candidate, where: Address) -> None:
        self.shapes = shapes
        self.candidate = candidate
        self._shown = self._shape_of_success(candidate.reading)
        self._echo = self._shape_of_success(candidate.operation)
        body = shapes.of(candidate.body.schema)
        reply = self._shown if self.is_readable else self._echo
        self._is_json_api = candidate.body.format == "json_api"
        arrange = json_api_layout if self._is_json_api else layout
        self._layout = arrange(shapes, body, reply)
        self._echoed = arrange(shapes, body, self._echo)
        named = json_api_type(shapes, body, reply) if self._is_json_api else ""
        self.name = named if _NAME.fullmatch(named) else candidate.name
        self._variables = _variables(candidate.path, where)

    @property
    def is_readable(self) -> bool:
        """Whether the path has a GET that is documented to show one record."""
        return bool(self.candidate.reading) and self._shown.kind in {"object", "map", "json"}

    @property
    def path(self) -> str:
        """The path, with variables that a description may have."""
        return _HOLE.sub(lambda found: f"{{{self._variables[found[1]]}}}", self.candidate.path)

    def lines(self, name: str, said: Headers) -> Iterator[str]:
        """Yield the lines of the resource, which nobody else in the draft is named like."""
        candidate, name = self.candidate, key_of(name)
        if candidate.summary:
            yield from comment(f"{candidate.method} {candidate.path}: {quoted(candidate.summary)}")
        yield f"[resources.{name}]"
        yield pair("path", self.path)
        for member, steps in (("record", self._layout.record), ("values", self._layout.values)):
            if steps:
                yield pair(member, pointer_to(steps))
        yield from self._reading()
        if said.is_conditional:
            yield from comment('precondition = { headers = { If-Match = "{@ETag}" } }  (the document names If-Match)')
        else:
            yield from comment(
                "unknown: precondition; rowpatch probe shows what may be a version, in a header or member"
            )
        yield ""
        yield f"[resources.{name}.update]"
        yield from self._update()
        many = list(suggestions(self.shapes, candidate, self.path, name))
        if many:
            yield ""
            yield from comment("unknown: may many records be read at once in this way? Then remove the # before:")
            yield from (f"# {line}" for line in many)
        yield ""
        yield f"[resources.{name}.fields]"
        yield from self._fields()

    # ---- parts

    def _shape_of_success(self, operation: Mapping[str, Any]) -> Shape:
        return self.shapes.of(success_of(self.shapes.document, operation)[1])

    def _reading(self) -> Iterator[str]:
        if not self.is_readable:
            why = "shows no single record" if self.candidate.reading else "is not in the document"
            yield pair("read", False, f"unknown: how one record is read; a GET of this path {why}")
        elif not self._shown.members:
            yield from comment(f"unknown: record, where a reply holds it; the document has no schema; {PROBE}")
        given = parameters(self.shapes.document, self.candidate.item, self.candidate.reading)
        choosing = next((each.name for each in given if each.place == "query" and each.name in _CHOOSING), "")
        if choosing:
            query = pair("query", {choosing: "{fields}"})
            yield from comment(f"unknown: do reads show every field without being asked? If not: read = {{ {query} }}")

    def _update(self) -> Iterator[str]:
        candidate, body = self.candidate, self.candidate.body
        if candidate.method != "PATCH":
            yield pair("method", candidate.method)
        if candidate.others:
            yield from comment(f"the path also has {' and '.join(candidate.others)}: --method chooses")
        if body.format != "json":
            yield pair("format", body.format)
        if body.content_type not in {CONTENT_TYPES[body.format], "*/*"}:
            yield pair("headers", {"Content-Type": body.content_type})
        if body.others:
            yield from comment(f"other content types: {quoted(texts.listed(body.others))}")
        if self._layout.wrap:
            yield pair("wrap", pointer_to(self._layout.wrap))
        yield from self._sending()
        yield from self._echoing()
        yield from self._queries()
        yield from comment(self._clearing())

    def _sending(self) -> Iterator[str]:
        """Yield what is sent. A PUT may replace what it does not name: the whole record, unless it is said not to."""
        if self.candidate.method == "PATCH":
            return
        partial = _partial(word(self.candidate.operation.get("description")))
        if partial:
            yield from comment(f"the document: {quoted(partial)}")
        elif self.candidate.method == "POST":
            yield from comment(f"unknown: does this POST keep what it does not name? {PROBE}")
        elif self.is_readable:
            said = 'unknown: does PUT keep what is not sent? If so, write "changes"; a probe then shows whether it does'
            yield pair("send", "record", said)
        else:
            said = "unknown: does PUT replace the whole record? If it does, it needs to be read first: see `read`"
            yield from comment(said)

    def _echoing(self) -> Iterator[str]:
        moved = self._echoed.record != self._layout.record
        common = self._echoed.shown.keys() & self._layout.shown.keys()
        if not self._echo.members or (moved and not common):
            yield from comment(f"unknown: echo, what the reply to an update shows; {PROBE}")
        elif moved:
            yield pair("echo", pointer_to(self._echoed.record))

    def _queries(self) -> Iterator[str]:
        given = parameters(self.shapes.document, self.candidate.item, self.candidate.operation)
        needed = [each for each in given if each.place == "query" and each.is_required]
        fixed = {each.name: each.fixed for each in needed if each.fixed and "{" not in each.fixed}
        if fixed:
            yield pair("query", fixed)
        for each in needed:
            if each.name not in fixed:
                yield from comment(f"unknown: the value of the query parameter {quoted(each.name)}, which is required")

    def _clearing(self) -> str:
        found = fields.nullable(self.shapes, self._source)
        said = f"; the document allows null for {texts.listed(found)}" if found else ""
        return f"unknown: how a field is cleared{said}; of members of objects, {PROBE_FIELD}"

    def _fields(self) -> Iterator[str]:
        source = self._source
        if not source.taken:
            yield from comment("unknown: fields; the document does not list what an update takes")
        elif "*" in source.taken:
            yield from comment("unknown: the names of fields; the document takes any")
        elif not self._layout.taken:
            yield from comment("unknown: which of these an update takes; these are those that a read shows")
        implied = self.candidate.body.format in {"merge_patch", "json_patch"}
        drafted = fields.drafted(self.shapes, source, merge_is_implied=implied)
        named = set[str]()
        for each in islice(drafted, fields.MOST):
            named.add(each.name)
            yield pair(each.name, each.keys, each.remark)
        more = sum(1 for _ in islice(drafted, 10_000))
        if more:
            yield from comment(f"and {more} more fields in the document: name those that you need")
        yield from self._read_only(named)

    def _read_only(self, named: set[str]) -> Iterator[str]:
        shown = [each for each in fields.only_shown(self._source) if each not in named]
        if not shown:
            return
        if self._sends_record:
            yield from (pair(each, {"read_only": True}) for each in shown[: fields.MOST])
        else:
            yield from comment(f"Shown by reads, and not taken by updates: {texts.listed(shown, 30)}")

    @property
    def _sends_record(self) -> bool:
        return any(line.startswith("send = ") for line in self._sending())

    @property
    def _source(self) -> FieldSource:
        """Where the fields are known from: the body, else another body of this path, else what a read shows."""
        shown = self._layout.shown if self.is_readable else {}
        taken = self._layout.taken or shown or self._layout.shown
        if not taken and self._layout.rest is not None:
            taken = {"*": self._layout.rest}
        return FieldSource(taken, shown, frozenset(holes(self.candidate.path)), self._layout.values)


def _partial(text: str) -> str:
    """Return the sentence that says that an update keeps what it does not name; empty if none does."""
    sentences = (" ".join(each.split()) for each in _SENTENCE.split(text))
    return next(filter(_PARTIAL.search, sentences), "")


def _variables(path: str, where: Address) -> dict[str, str]:
    """Return the names of the variables in a path, each once, and apart from those of the address."""
    fixed = set(holes(where.base_url))
    found: dict[str, str] = {}
    for each in holes(path):
        name = variable(each)
        while name in fixed or name in found.values():
            name = f"{name}_"
        found.setdefault(each, name)
    return found
