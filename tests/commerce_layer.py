"""Commerce Layer as tests use it: the API of its description, and its requests by type, as they leave."""

from collections.abc import Sequence
from typing import Final

from jobs.apis.described.resource import DescribedResource
from jobs.apis.meanings import Meaning
from jobs.apis.registry import DEFAULT, api_named
from jobs.changes.diff import Change
from jobs.model import Fields, Outcome, Request, UpdateJob

COMMERCE_LAYER: Final = api_named(DEFAULT)


def resource(type_name: str) -> DescribedResource:
    found = COMMERCE_LAYER.resource(type_name)
    assert isinstance(found, DescribedResource)
    return found


def meaning_of(request: Request, outcome: Outcome) -> Meaning:
    """What an outcome means; a request that a test has made itself need not say what it is about."""
    return resource(request.about or "skus").meaning(request, outcome)


def update_request(job: UpdateJob, change: Change, type_name: str) -> Request:
    return _leaving(COMMERCE_LAYER.resource(type_name).update(job, change, None))


def states_request(type_name: str, ids: Sequence[str], fields: Fields, *, sparse: bool = True) -> Request:
    return _leaving(COMMERCE_LAYER.resource(type_name).read(ids, fields, sparse=sparse))


def record_request(type_name: str, resource_id: str) -> Request:
    return _leaving(COMMERCE_LAYER.resource(type_name).read_one(resource_id, None))


def state_request(type_name: str, resource_id: str, fields: Fields) -> Request:
    return _leaving(COMMERCE_LAYER.resource(type_name).read_one(resource_id, fields))


def references_request(type_name: str, references: Sequence[str]) -> Request:
    return _leaving(COMMERCE_LAYER.resource(type_name).find(references))


def _leaving(request: Request) -> Request:
    """What leaves of a request: not what only we know of it."""
    return Request(request.method, request.target, request.body, request.headers)
