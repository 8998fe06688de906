"""How a described API authorises requests, as a value. It holds no secret, and nothing of it comes from a sheet.

Variables in its texts are filled here from constants: the defaults of the description, the environment and `--set`.
Those that the reply with a token brings fill nothing but the base URL.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field, replace
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urlsplit

from jobs.apis.auth import Auth, Claims, Grant, Need, Permit, TokenSource
from jobs.apis.description.model import AuthDescription
from jobs.apis.documents import mapping, parsed_anyway
from jobs.apis.header_values import unsendable
from jobs.apis.limits import Rate
from jobs.apis.meanings import Meaning
from jobs.apis.tokens import granted, payload_of, seconds, token_meaning
from jobs.model import Outcome, Reply, Request
from jobs.values import valueclass

_VARIABLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PART: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+(:[0-9]{1,5})?")
"""What a variable may hold within a URL: it can neither end the host nor begin another segment."""

_ADDRESS: Final = re.compile(r"https?://[!-~]+")

_SHORTEST: Final = 4
"""Characters of a secret that is hidden in replies. What is shorter stands for none, such as the `X` of some APIs."""

_CONTENT_TYPES: Final = {"form": "application/x-www-form-urlencoded", "json": "application/json"}


def auth_of(
    description: AuthDescription,
    constants: Mapping[str, str],
    base_url: str = "",
    windows: tuple[Rate, ...] = (),
    claims: Callable[[str], Claims] | None = None,
) -> Auth:
    """Return how an API authorises requests.

    Args:
        description: of the scheme.
        constants: values of variables, none of which comes from a column.
        base_url: of the API, with its variables; it counts where the reply with a token brings some of them.
        windows: limits on requests for tokens.
        claims: reads what a token says of itself, its mode among it; None where it says no more than when it ends.

    Raises:
        ValueError: a text cannot be used; the message names its key and says what to do.
    """
    scheme = _scheme(description, constants, base_url, windows)
    return replace(scheme, read=claims, tells_mode=True) if claims else scheme


def _scheme(
    description: AuthDescription, constants: Mapping[str, str], base_url: str, windows: tuple[Rate, ...]
) -> "_Scheme":
    header, kind = description.header, description.type
    if kind == "none":
        return _Scheme((), lambda *_: Permit())
    if kind == "basic":
        _check_header(header, "Basic ")
        return _Scheme((("username", "password"),), lambda user, password: _basic(header, user, password))
    prefix = description.prefix if description.prefix is not None else "" if kind == "api_key" else "Bearer "
    _check_header(header, prefix)

    def permit(*secrets: str) -> Permit:
        return Permit(header, prefix + secrets[0], secrets)

    if kind == "oauth2_client_credentials":
        tokens = replace(_tokens(description, constants, base_url), windows=windows)
        return _Scheme((("token",), ("client_id", "client_secret")), permit, tokens)
    return _Scheme((("token",),) if kind == "bearer" else (("api_key",),), permit)


def _end_of(token: str) -> Claims:
    """Read when a JWT ends; nothing else that it holds means the same everywhere."""
    return Claims(expires_at=seconds(payload_of(token).get("exp")))


@valueclass(frozen=True, slots=True)
class _Scheme:
    """A scheme; `carry` makes a permit of secrets, `read` reads what a token says of itself."""

    needs: tuple[Need, ...]
    carry: Callable[..., Permit]
    tokens: TokenSource | None = None
    tells_mode: bool = False
    read: Callable[[str], Claims] = _end_of

    def permit(self, *secrets: str) -> Permit:
        return self.carry(*secrets)

    def claims(self, token: str) -> Claims:
        return self.read(token)


@valueclass(frozen=True, slots=True)
class _ClientCredentials:
    """A token endpoint (RFC 6749, 4.4).

    Attributes:
        target: path and query of the endpoint.
        fields: of the request, but the client's own.
        variables: pointers into the reply by name of variable.
        base_url: of the API, with these variables and no others; empty where it has none.
    """

    url: str
    target: str
    form: str
    in_header: bool
    fields: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    windows: tuple[Rate, ...] = ()
    are_shared: bool = False

    def request(self, client_id: str, client_secret: str) -> Request:
        headers, fields = {"Content-Type": _CONTENT_TYPES[self.form]}, dict(self.fields)
        if self.in_header:
            headers["Authorization"] = f"Basic {_encoded(quote_plus(client_id), quote_plus(client_secret))}"
        else:
            fields |= {"client_id": client_id, "client_secret": client_secret}
        body = json.dumps(fields) if self.form == "json" else urlencode(fields)
        return Request("POST", self.target, body.encode(), headers)

    def grant(self, reply: Reply) -> Grant | None:
        """Read a success whose body is a JSON object with a token, whatever its content type says."""
        grant = granted(_success(reply))
        if grant is None:
            return None
        life = grant.expires_in if grant.expires_in is not None and grant.expires_in > 0 else None
        found = {name: _text_at(parsed_anyway(reply.body), pointer) for name, pointer in self.variables.items()}
        url, lacks = _filled_url(self.base_url, {name: text for name, text in found.items() if text})
        return Grant(grant.access_token, life, "" if lacks else url, lacks)

    def meaning(self, request: Request, outcome: Outcome) -> Meaning:
        """Return the usual meaning; a success that holds an error instead of a token is a refusal."""
        if isinstance(outcome, Reply) and self.grant(outcome) is None and _success(outcome).get("error"):
            return Meaning.REFUSED
        return token_meaning(request, outcome)


def _tokens(description: AuthDescription, constants: Mapping[str, str], base_url: str) -> _ClientCredentials:
    if not description.token_url:
        raise ValueError("auth.token_url is missing: write where tokens are issued")
    token_url, lacks = _filled_url(description.token_url, constants)
    if lacks:
        raise ValueError(f"auth.token_url: {_no_value(lacks)}")
    parts = urlsplit(token_url)
    if not _ADDRESS.fullmatch(token_url) or "@" in parts.netloc or parts.fragment:
        raise ValueError("auth.token_url: write an address like https://auth.example.com/oauth/token")
    fields = {"grant_type": "client_credentials"}
    if description.scopes:
        fields["scope"] = " ".join(_filled("auth.scopes", scope, constants) for scope in description.scopes)
    fields |= {name: _filled(f"auth.params.{name}", text, constants) for name, text in description.params.items()}
    return _ClientCredentials(
        f"{parts.scheme}://{parts.netloc}",
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        description.request,
        description.client_auth == "basic",
        fields,
        description.variables,
        _awaiting(base_url, constants, description.variables.keys()),
        are_shared=description.shared_token,
    )


def _awaiting(base_url: str, constants: Mapping[str, str], granted_ones: AbstractSet[str]) -> str:
    """Return the base URL with those variables left in it that come with a token; empty if it has none of them."""
    filled, lacks = _filled_url(base_url, {name: text for name, text in constants.items() if name not in granted_ones})
    unknown = tuple(name for name in lacks if name not in granted_ones)
    if unknown == lacks:
        return ""
    if unknown:
        raise ValueError(f"base_url: {_no_value(unknown)}")
    return filled


def _filled_url(url: str, values: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Fill the variables of a URL; a variable that it begins with may be a whole address, any other one is a part.

    Returns:
        The URL, and the names of variables without a value that can stand where they do; these remain in it.
    """
    lacks: list[str] = []

    def value_of(found: re.Match[str]) -> str:
        value = values.get(found[1], "")
        if value and (found.start() == 0 or _PART.fullmatch(value)):
            return value.rstrip("/")
        lacks.append(found[1])
        return found[0]

    return _VARIABLE.sub(value_of, url), tuple(dict.fromkeys(lacks))


def _filled(key: str, text: str, constants: Mapping[str, str]) -> str:
    lacks = tuple(name for name in _VARIABLE.findall(text) if not constants.get(name))
    if lacks:
        raise ValueError(f"{key}: {_no_value(lacks)}")
    return _VARIABLE.sub(lambda found: constants[found[1]], text)


def _no_value(names: tuple[str, ...]) -> str:
    return f"{{{names[0]}}} has no value that can stand there: pass --set {names[0]}=VALUE"


def _check_header(header: str, prefix: str) -> None:
    if why := unsendable({header: prefix}):
        raise ValueError(f"auth.header and auth.prefix: {why}")


def _basic(header: str, user: str, password: str) -> Permit:
    """Return HTTP Basic (RFC 7617). Some APIs take their key for a user name: that is hidden, too."""
    encoded = _encoded(user, password)
    return Permit(header, f"Basic {encoded}", (encoded, *(each for each in (password, user) if len(each) >= _SHORTEST)))


def _encoded(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _success(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object in a complete success; an empty one for anything else."""
    whole = reply.complete and 200 <= reply.status < 300
    return mapping(parsed_anyway(reply.body)) if whole else {}


def _text_at(document: object, pointer: str) -> str:
    """Return the text at a JSON Pointer (RFC 6901); empty for anything else."""
    for step in pointer.split("/")[1:]:
        document = mapping(document).get(step.replace("~1", "/").replace("~0", "~"))
    return document if isinstance(document, str) else ""
