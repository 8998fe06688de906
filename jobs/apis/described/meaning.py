"""What an outcome of a described API means: by the rules of the resource, those of the API, then those of HTTP.

A rule is about failures. It counts for a success, too, if it looks into the body or names the status: only then is the
body of a success read at all.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from jobs.apis.backpressure import failure
from jobs.apis.challenges import token_refused
from jobs.apis.described.failures import errors_of
from jobs.apis.description.model import ErrorPlaces, ErrorRule, Meant, Scalar
from jobs.apis.documents import is_json, parsed_anyway
from jobs.apis.meanings import Meaning
from jobs.apis.pointers import steps_of, value_at
from jobs.apis.statuses import success
from jobs.model import NotSent, Outcome, Reply, Request
from jobs.values import valueclass

MEANINGS: Final[Mapping[Meant, Meaning]] = {
    "slow_down": Meaning.THROTTLED,
    "retry": Meaning.BUSY,
    "token_expired": Meaning.TOKEN_REFUSED,
    "not_found": Meaning.NOT_FOUND,
    "conflict": Meaning.CONFLICT,
    "not_unique": Meaning.NOT_UNIQUE,
    "validation": Meaning.VALIDATION,
    "locked": Meaning.LOCKED,
    "not_authorized": Meaning.NOT_AUTHORIZED,
    "unchanged": Meaning.NO_OP,
    "maybe_applied": Meaning.FAILED,
    "stop": Meaning.STOP,
}
"""What a rule says, as a meaning."""

CREDENTIAL: Final = "credential"
"""The scope of a pause that everybody keeps who uses the credential."""

_ANY: Final = "*"
_UNAUTHORIZED: Final = 401


@valueclass(frozen=True, slots=True)
class _Rule:
    """A rule, ready to be compared with replies.

    Attributes:
        meaning, scope, wait: what it says. The rest are its conditions; what is empty is none.
        text: folded.
        headers: names in lower case, values folded.
        body: values by their steps.
    """

    meaning: Meaning
    scope: str
    wait: float
    statuses: frozenset[int]
    code: str
    text: str
    headers: tuple[tuple[str, str], ...]
    body: tuple[tuple[tuple[str, ...], Scalar], ...]

    def is_about(self, status: int) -> bool:
        """Return True if it counts for replies of this status."""
        if self.statuses:
            return status in self.statuses
        return status >= 400 or (bool(self.body) and 200 <= status < 300)


@valueclass(frozen=True, slots=True)
class Rules:
    """What the replies to requests about one type of records mean.

    Attributes:
        rules: those of the type, then those of the API.
        for_successes: those of them that may count for a 2xx.
        places: where a reply has its codes.
        conditional: updates name a precondition.
        any_401: a 401 refuses the token, whatever else it says.
    """

    rules: tuple[_Rule, ...]
    for_successes: tuple[_Rule, ...]
    places: ErrorPlaces
    conditional: bool
    any_401: bool = True


def compiled(
    own: Iterable[ErrorRule],
    shared: Iterable[ErrorRule],
    places: ErrorPlaces,
    *,
    conditional: bool = False,
    any_401: bool = True,
) -> Rules:
    """Return the rules of a type of records, made once.

    Args:
        own: of the type; they go first.
        shared: of the API.
        places: where replies have their codes.
        conditional: updates name a precondition, so that a 409 is a conflict of versions.
        any_401: a 401 refuses the token (RFC 9110, 15.5.2: it lacks valid credentials), whatever else it says.
    """
    rules = tuple(map(_rule, (*own, *shared)))
    for_successes = tuple(rule for rule in rules if any(map(rule.is_about, range(200, 300))))
    return Rules(rules, for_successes, places, conditional, any_401)


def meaning_of(rules: Rules, request: Request, outcome: Outcome) -> Meaning:
    """Return what an outcome means, by the request that it is of.

    A read is served by what says that it is JSON; an update by any success, since its confirmation reads the body.
    """
    if not isinstance(outcome, Reply):
        return Meaning.UNSENT if isinstance(outcome, NotSent) else Meaning.UNANSWERED
    rule = _matching(rules, outcome)
    return _by_http(rules, request, outcome) if rule is None else rule.meaning


def scope_of(rules: Rules, reply: Reply) -> str:
    """Return who pauses after a reply: `credential`, `record`, or a variable in braces."""
    rule = _matching(rules, reply)
    return CREDENTIAL if rule is None else rule.scope


def least_wait(rules: Rules, reply: Reply) -> float:
    """Return the seconds to wait at least after a reply, where no `Retry-After` says so; 0 where no rule does."""
    rule = _matching(rules, reply)
    return 0.0 if rule is None else rule.wait


def _rule(rule: ErrorRule) -> _Rule:
    return _Rule(
        MEANINGS[rule.means],
        rule.scope,
        rule.wait_s,
        frozenset(rule.status),
        rule.code,
        rule.text.casefold(),
        tuple((name.lower(), value.strip().casefold()) for name, value in rule.header.items()),
        tuple((steps_of(pointer), value) for pointer, value in rule.body.items()),
    )


def _matching(rules: Rules, reply: Reply) -> _Rule | None:
    """Return the first rule whose conditions all hold."""
    able = rules.for_successes if 200 <= reply.status < 300 else rules.rules
    if not able:
        return None
    told = _Told(reply, rules.places)
    return next((rule for rule in able if rule.is_about(reply.status) and told.meets(rule)), None)


class _Told:
    """What a reply says, each part read when a rule first asks for it."""

    def __init__(self, reply: Reply, places: ErrorPlaces) -> None:
        self._reply = reply
        self._places = places

    def meets(self, rule: _Rule) -> bool:
        """Return True if what the rule asks for is there; its status aside."""
        return (
            all(self._has_header(name, value) for name, value in rule.headers)
            and all(_is(value_at(self._document, steps), value) for steps, value in rule.body)
            and (not rule.code or rule.code in self._codes)
            and (not rule.text or rule.text in self._text)
        )

    def _has_header(self, name: str, value: str) -> bool:
        found = self._reply.headers.get(name)
        return found is not None and value in {_ANY, found.strip().casefold()}

    @cached_property
    def _document(self) -> object:
        return parsed_anyway(self._reply.body) if self._reply.complete else None

    @cached_property
    def _codes(self) -> frozenset[str]:
        return frozenset(error.code for error in errors_of(self._places, self._reply))

    @cached_property
    def _text(self) -> str:
        """The body, folded; in JSON also without escapes, of which servers differ in how many they use."""
        text = self._reply.body.decode("utf-8", "replace")
        if "\\" in text and self._document is not None:
            text += json.dumps(self._document, ensure_ascii=False)
        return text.casefold()


def _is(found: object, wanted: Scalar) -> bool:
    """Return True for the same value; True is not 1."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _by_http(rules: Rules, request: Request, reply: Reply) -> Meaning:
    if 200 <= reply.status < 300:
        return _served(request, reply)
    meaning = _by_status(reply)
    if meaning is Meaning.NOT_AUTHORIZED and reply.status == _UNAUTHORIZED and rules.any_401:
        return Meaning.TOKEN_REFUSED
    if meaning in {Meaning.NOT_AUTHORIZED, Meaning.HELD} and token_refused(reply):
        return Meaning.TOKEN_REFUSED
    return Meaning.CONFLICT if rules.conditional and meaning is Meaning.NOT_UNIQUE else meaning


def _by_status(reply: Reply) -> Meaning:
    status = reply.status
    if status >= 400:
        return failure(reply)
    if status >= 300:
        return Meaning.REDIRECTED
    return Meaning.SERVED if status >= 200 else Meaning.FOREIGN


def _served(request: Request, reply: Reply) -> Meaning:
    if request.is_read:
        is_document = reply.body and is_json(reply.headers.get("content-type", ""))
        return Meaning.SERVED if is_document or not reply.complete else Meaning.FOREIGN
    meaning = success(reply.status)
    is_silent = meaning is Meaning.SERVED and reply.complete and not reply.body
    return Meaning.NO_CONTENT if is_silent else meaning
