"""How cells are to be understood: by the API's schema, and by what the user said on the command line."""

from jobs.apis.schema import Schema
from jobs.values import valueclass


@valueclass(frozen=True, slots=True)
class Rules:
    """How cells are to be understood, beyond what the header says.

    Attributes:
        schema: of the API that the rows are for.
        type: resource type of rows that do not name one; empty when each row must.
        clear_token: text of a sheet's cell that clears its target. NDJSON has null for that.
        refuse_members: rows that set keys of an object attribute are refused, since the others would be wiped.
        blind: records are not read: elements of a set can be neither added nor removed.
        replace: the keys that a row sets of an object become the whole object.
        allow_triggers: names of the triggers that rows may fire, leading underscore included.
        resend_unknown: whether a re-fed row may repeat a trigger or tags that may have been applied already.
    """

    schema: Schema
    type: str = ""
    clear_token: str = "<clear>"  # noqa: S105  # a marker in a cell, no secret
    refuse_members: bool = False
    allow_triggers: frozenset[str] = frozenset()
    resend_unknown: bool = False
    replace: bool = False
    blind: bool = False
