"""Commerce Layer, both directions: build its requests, read its replies.

The rules are those of its pages "Update a stripe payment" and "Update a transaction" and of the JSON:API
specification 1.0. Nothing here sends anything, and nothing of a reply is kept but what is named.
"""

from jobs.apis.commercelayer.confirmations import Confirmation, read_confirmation
from jobs.apis.commercelayer.documents import MEDIA_TYPE, document_of
from jobs.apis.commercelayer.errors import in_words, read_errors, said
from jobs.apis.commercelayer.meaning import meaning_of
from jobs.apis.commercelayer.pointers import column_of
from jobs.apis.commercelayer.quoting import HIDDEN, TEXT_LIMIT
from jobs.apis.commercelayer.references import (
    MOST_REFERENCES,
    Matches,
    read_references,
    reference_pages,
    references_request,
)
from jobs.apis.commercelayer.states import (
    PAGE_SIZE,
    SECRET_ATTRIBUTES,
    read_record,
    read_state,
    read_states,
    record_request,
    state_request,
    states_request,
)
from jobs.apis.commercelayer.tokens import (
    AUTH_URL,
    Claims,
    Grant,
    read_claims,
    read_grant,
    token_refused,
    token_request,
)
from jobs.apis.commercelayer.updates import resource_path, update_request
from jobs.apis.commercelayer.wholeness import may_show_more

__all__ = [
    "AUTH_URL",
    "HIDDEN",
    "MEDIA_TYPE",
    "MOST_REFERENCES",
    "PAGE_SIZE",
    "SECRET_ATTRIBUTES",
    "TEXT_LIMIT",
    "Claims",
    "Confirmation",
    "Grant",
    "Matches",
    "column_of",
    "document_of",
    "in_words",
    "may_show_more",
    "meaning_of",
    "read_claims",
    "read_confirmation",
    "read_errors",
    "read_grant",
    "read_record",
    "read_references",
    "read_state",
    "read_states",
    "record_request",
    "reference_pages",
    "references_request",
    "resource_path",
    "said",
    "state_request",
    "states_request",
    "token_refused",
    "token_request",
    "update_request",
]
