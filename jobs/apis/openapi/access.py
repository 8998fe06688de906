"""Where an API is and how it authorises requests, as far as an OpenAPI document says it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from jobs.apis.description.checking_texts import RESERVED
from jobs.apis.documents import mapping
from jobs.apis.openapi.document import Document, rows, word

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_PREFIX: Final = re.compile(r"\b([A-Za-z][\w-]* (?:[a-z_]+=)?)[\"']?[<{\[]", re.ASCII)
"""How descriptions write the form of a header: `SSWS {API token}`, `Token token=<key>`."""

_LOCAL: Final = ("http://localhost", "http://127.0.0.1")


@dataclass(frozen=True)
class Address:
    """Where an API is.

    Attributes:
        base_url: empty where the document does not say.
        variables: in it, with their defaults.
        remarks: what has to be looked at.
    """

    base_url: str
    variables: Mapping[str, str]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Access:
    """How requests are authorised.

    Attributes:
        keys: of the table `auth`.
        remarks: what has to be looked at.
    """

    keys: Mapping[str, object]
    remarks: tuple[str, ...] = ()


def address(document: Document, holders: Iterable[Mapping[str, Any]]) -> Address:
    """Return where an API is.

    Args:
        document: the document.
        holders: that may name servers of their own, the innermost first.
    """
    url, defaults, others = _swagger_server(document) if document.is_swagger else _server(document, holders)
    remarks = [f"other servers in the document: {', '.join(others[:5])}"] if others else []
    names = {each: variable(each) for each in _HOLE.findall(url)}
    url = _HOLE.sub(lambda found: f"{{{names[found[1]]}}}", url).partition("?")[0].partition("#")[0].rstrip("/")
    if url and "://" not in url and not url.startswith("{"):
        url = f"https://{url.lstrip('/')}" if url.startswith("//") else f"https://{{host}}/{url.lstrip('/')}"
        remarks.append("unknown: the host; the document names only a path")
    if url.startswith("http://") and not url.startswith(_LOCAL):
        url = f"https{url[4:]}"
        remarks.append("the document says http; a credential would travel in the clear")
    if not _is_address(url):
        return Address("", {}, (*remarks, "unknown: where the API is; write it here, or pass --url"))
    variables = {names.get(name, name): text for name, text in defaults.items() if text and name in names}
    return Address(url, variables, tuple(remarks))


def variable(name: str) -> str:
    """Return a name that a variable may have: what stands in braces may be anything in a document."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name, flags=re.ASCII).strip("_") or "key"
    return f"{plain}_" if plain in RESERVED else f"_{plain}" if plain[0].isdigit() else plain


def access(document: Document, operations: Sequence[Mapping[str, Any]], base_url: str) -> Access:
    """Return how the operations are authorised: the simplest of the ways that the document offers."""
    schemes = {name: document.resolved(each) for name, each in _schemes(document).items()}
    wanted = _wanted(document, operations)
    named = {name: scopes for name, scopes in wanted.items() if name in schemes} or dict.fromkeys(schemes, ())
    ways = [_way(name, schemes[name], scopes, base_url) for name, scopes in named.items()]
    usable = sorted((each for each in ways if each.keys), key=lambda each: each.rank)
    unusable = [each.name for each in ways if not each.keys]
    remarks = [f"the document also knows {each}, which a description cannot say" for each in unusable[:5]]
    if not usable:
        said = "unknown: how requests are authorised; the document does not say it"
        return Access({"type": "bearer"}, (*remarks, said))
    best, *others = usable
    if others:
        remarks.append(f"other ways in the document: {', '.join(f'{each.name} ({each.kind})' for each in others[:5])}")
    return Access(best.keys, (*remarks, *best.remarks))


@dataclass(frozen=True)
class _Way:
    """One security scheme; the lowest rank is taken, and one without keys cannot be."""

    name: str
    rank: int
    kind: str = ""
    keys: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def _server(document: Document, holders: Iterable[Mapping[str, Any]]) -> tuple[str, Mapping[str, str], list[str]]:
    lists = [rows(each.get("servers")) for each in (*holders, document.data)]
    servers = next(filter(None, lists), ())
    urls = [url for each in servers if (url := word(mapping(each).get("url")))]
    if not urls:
        return "", {}, []
    first = next(each for each in servers if word(mapping(each).get("url")))
    variables = {name: word(mapping(each).get("default")) for name, each in mapping(first.get("variables")).items()}
    return urls[0], variables, urls[1:]


def _swagger_server(document: Document) -> tuple[str, Mapping[str, str], list[str]]:
    host, base = word(document.data.get("host")), word(document.data.get("basePath"))
    schemes = rows(document.data.get("schemes"))
    scheme = "http" if schemes and "https" not in schemes else "https"
    return (f"{scheme}://{host}/{base.lstrip('/')}" if host else base.rstrip("/")), {}, []


def _is_address(url: str) -> bool:
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>|^`'):
        return False
    filled = _HOLE.sub("x", url)
    try:
        parts = urlsplit(filled if "://" in filled else f"https://{filled}")
        is_whole = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        return False
    return is_whole and parts.scheme in {"http", "https"} and not set(filled) & set("{}")


def _schemes(document: Document) -> Mapping[str, Any]:
    if document.is_swagger:
        return mapping(document.data.get("securityDefinitions"))
    return mapping(mapping(document.data.get("components")).get("securitySchemes"))


def _wanted(document: Document, operations: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Return the names of the schemes that the operations ask for, with the scopes of all of them."""
    found: dict[str, dict[str, None]] = {}
    for operation in operations:
        for alternative in rows(operation.get("security", document.data.get("security"))):
            for name, scopes in mapping(alternative).items():
                found.setdefault(name, {}).update((each, None) for each in rows(scopes) if isinstance(each, str))
    return {name: tuple(scopes) for name, scopes in found.items()}


def _way(name: str, scheme: Mapping[str, Any], scopes: Sequence[str], base_url: str) -> _Way:
    kind = word(scheme.get("type")).lower()
    manner = word(scheme.get("scheme")).lower()
    if kind == "http" and manner == "bearer":
        return _Way(name, 0, "bearer", {"type": "bearer"})
    if kind == "basic" or (kind == "http" and manner == "basic"):
        return _Way(name, 2, "basic", {"type": "basic"})
    if kind == "apikey" and scheme.get("in") == "header":
        return _api_key(name, scheme)
    if kind == "oauth2":
        return _oauth2(name, scheme, scopes, base_url)
    if kind == "openidconnect":
        return _Way(name, 5, "bearer", {"type": "bearer"}, ("a token of OpenID Connect; how to get one is not said",))
    return _Way(name, 9)


def _api_key(name: str, scheme: Mapping[str, Any]) -> _Way:
    header, said = word(scheme.get("name")), word(scheme.get("description"))
    if not re.fullmatch(r"[A-Za-z0-9_-]+", header):
        return _Way(name, 9)
    if header.lower() != "authorization":
        return _Way(name, 6, "api_key", {"type": "api_key", "header": header})
    prefix = _PREFIX.search(said)
    if prefix and prefix[1].lower() != "bearer ":
        found = "the prefix is from its description"
        return _Way(name, 3, "api_key", {"type": "api_key", "header": header, "prefix": prefix[1]}, (found,))
    if "bearer" in f"{name} {said}".lower():
        return _Way(name, 1, "bearer", {"type": "bearer"})
    unknown = 'unknown: what stands before the key in the header; prefix = "Bearer ", "Token ", or nothing'
    return _Way(name, 4, "api_key", {"type": "api_key", "header": header}, (unknown,))


def _oauth2(name: str, scheme: Mapping[str, Any], scopes: Sequence[str], base_url: str) -> _Way:
    flow = mapping(mapping(scheme.get("flows")).get("clientCredentials"))
    if scheme.get("flow") == "application":
        flow = scheme
    if not flow:
        said = "the document knows no client credentials: bring a token"
        return _Way(name, 5, "oauth2", {"type": "bearer"}, (said,))
    url = word(flow.get("tokenUrl"))
    if url.startswith("/") and base_url:
        url = _from_root(base_url, url)
    remarks = ["unknown: form or json, body or basic, and further parameters such as an audience"]
    if not _is_address(url) or not url.startswith("https://"):
        url = "https://{token_host}/oauth/token"
        remarks.append("unknown: where tokens are issued")
    known = [each for each in scopes if re.fullmatch(r"[!#-\[\]-z|~]+", each)]
    if not known and mapping(flow.get("scopes")):
        remarks.append("unknown: which scopes are needed; the document lists some")
    keys = {"type": "oauth2_client_credentials", "token_url": url, "scopes": known}
    return _Way(name, 1, "client credentials", keys, tuple(remarks))


def _from_root(base_url: str, path: str) -> str:
    """Return the address of a path on the host of the API, in which variables stay as they are."""
    scheme, _, rest = base_url.rpartition("://")
    return f"{scheme or 'https'}://{rest.partition('/')[0]}{path}"
