"""Commerce Layer: its description, completed by what data cannot say."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from jobs.apis.auth import Auth, Claims
from jobs.apis.commercelayer.claims import read_claims
from jobs.apis.commercelayer.references import reference_pages
from jobs.apis.commercelayer.resource import Resource
from jobs.apis.described.api import DescribedApi
from jobs.apis.described.auth import auth_of
from jobs.apis.described.limits import token_windows
from jobs.apis.description.model import ResourceDescription
from jobs.apis.description.variables import base_url, missing, names_in
from jobs.apis.schema import Schema, load

_ORGANIZATION: Final = "organization"
"""The variable of the base URL that a token names."""


@dataclass(frozen=True)
class CommerceLayer(DescribedApi):
    """The API of Commerce Layer: the types of its schema, and tokens that tell of themselves."""

    @cached_property
    def schema(self) -> Schema:
        """Its published types, read when first asked for."""
        return load("commercelayer")

    @cached_property
    def auth(self) -> Auth:
        """How requests are authorised."""
        told = self.description
        return auth_of(told.auth, self.constants, told.base_url, token_windows(told), self._claims)

    @property
    def key_page(self) -> int:
        """References to a page: when each has one record, the page is not full, so that nothing was cut off."""
        return self.page - 1

    def key_pages(self, references: Sequence[str], most: int) -> list[list[str]]:
        """Return the references in pages: one with a comma cannot stand in a list."""
        return reference_pages(references, most)

    def _made(self, type_name: str, described: ResourceDescription) -> Resource:
        made, kind = super()._made(type_name, described), self.schema.resource_type(type_name)
        variants = kind.abstract_over if kind else ()
        return Resource(made.name, made.api, made.described, made.constants, made.base, made.schema, variants)

    def _claims(self, token: str) -> Claims:
        return read_claims(token, self._url_of)

    def _url_of(self, organization: str) -> str:
        """Return the base URL of an organization; empty where that is not what it lacks."""
        text, values = self.description.base_url, {_ORGANIZATION: organization, **self.constants}
        lacks = missing(names_in(text), self.constants)
        return base_url(self.description, values) if lacks == (_ORGANIZATION,) else ""
