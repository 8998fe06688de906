"""The description of an API as values: every key that a file may have, its meaning and its default.

The shape only. What a text in it may say (a path, a rate, a pointer) is checked by `checking`; `loading` reads a file.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Scalar: TypeAlias = str | int | float | bool
Meant = Literal[
    "slow_down", "retry", "token_expired", "not_found", "conflict", "not_unique", "validation", "locked",
    "not_authorized", "unchanged", "maybe_applied", "stop",
]  # fmt: skip
"""What an error rule can say that a reply means."""

FieldType = Literal[
    "text", "int", "float", "bool", "date", "datetime", "object", "map", "list", "set", "keyed", "json"
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


class LimitDescription(_Part):
    """A limit that the API declares: a rate, or how many requests may be in flight."""

    rate: str = Field("", description="Requests and the time they may take: `100/60s`; units ms, s, m, h, d.")
    concurrency: int | None = Field(None, ge=1, description="Requests in flight at most.")
    per: str = Field(
        "credential",
        description="Whose limit it is: `credential`, `address` (that of this machine: all credentials share it at the"
        " API's own hosts, those of base_url), `path`, `record`, or a variable such as `{base}`.",
    )
    on: Literal["all", "read", "update", "token"] = Field(
        "all", description="Which requests count; `token`: those for a token."
    )
    until_told: bool = Field(
        False,
        description="Assume it only until replies state limits, and only at the API's own hosts, those of base_url.",
    )


class LimitHeaders(_Part):
    """Headers in which replies state a limit, where their names or forms are the API's own."""

    limit: str = Field("", description="Header with the requests per window.")
    remaining: str = Field("", description="Header with the requests that are left.")
    reset: str = Field("", description="Header with the end of the window, or the time left.")
    reset_format: Literal["seconds", "ms", "epoch", "epoch_ms", "iso8601"] = Field(
        "seconds", description="Form of that value: time left (`seconds`, `ms`), or a point in time (the others)."
    )
    window: str = Field("", description="Length of the window, where no header states it: `60s`.")


class ErrorPlaces(_Part):
    """Where a failure says what is wrong. Pointers begin at the reply, or at the item; `@X` is a header."""

    items: tuple[str, ...] = Field(
        (), description="Where errors stand: pointers to lists or objects of them; empty: the document itself."
    )
    message: str = Field("", description="Where the message stands, in an item and in the document.")
    code: str = Field("", description="Where the code stands, in an item and in the document.")
    field: str = Field("", description="Where an item names the field that it is about.")
    request_id: str = Field("", description="Where the id stands by which the vendor's support finds the request.")


class ErrorRule(_Part):
    """What a reply means. The first rule counts whose conditions all hold; one without conditions always does."""

    status: tuple[int, ...] = Field((), description="One of these statuses.")
    code: str = Field("", description="The code of the document or of any item.")
    text: str = Field("", description="Part of the body, in any case.")
    header: Mapping[str, str] = Field({}, description='Values of headers; `"*"` is any value.')
    body: Mapping[str, Scalar] = Field({}, description="Values in the body by pointer; counts for a 2xx, too.")
    means: Meant = Field(description="What it means; docs/verdicts.md has what follows.")
    scope: str = Field("credential", description="Who pauses: `credential`, `record`, or a variable such as `{base}`.")
    wait_s: float = Field(0.0, ge=0, description="Seconds to wait at least, where no `Retry-After` says so.")


class AuthDescription(_Part):
    """How requests are authorised. No secret stands here, and no variable of it ever comes from a column."""

    type: Literal["bearer", "basic", "api_key", "oauth2_client_credentials", "none"] = Field(
        "bearer", description="The scheme."
    )
    header: str = Field("Authorization", description="Header with the credential.")
    prefix: str | None = Field(
        None, description="What stands before it: `Bearer ` for tokens, nothing for `api_key`; `Basic ` is fixed."
    )
    token_url: str = Field("", description="Where tokens are issued (oauth2_client_credentials).")
    scopes: tuple[str, ...] = Field((), description="Scopes to ask for.")
    params: Mapping[str, str] = Field({}, description="Further parameters of the request, such as `audience`.")
    request: Literal["form", "json"] = Field("form", description="Form of the request for a token.")
    client_auth: Literal["body", "basic"] = Field(
        "body", description="Where client id and secret go: the body, or HTTP Basic."
    )
    variables: Mapping[str, str] = Field({}, description="Variables taken from the reply with the token, by pointer.")
    shared_token: bool = Field(
        False,
        description="All clients are issued the same token, so that one just issued may end soon, and that is no"
        " reason to ask again early.",
    )
    renew_on: Literal["401", "invalid_token"] = Field(
        "401",
        description="What refuses the token itself: any 401, or only one whose code or challenge (RFC 6750) says so."
        " Then any other 401 is a final refusal of the row.",
    )


class FieldDescription(_Part):
    """What is known of a field. Its name is dotted or a pointer; `*` stands for fields that are not listed."""

    type: FieldType | None = Field(None, description="Type of its value; text unless something else says more.")
    of: Literal["text", "int", "float", "bool", "json"] = Field("text", description="Type of elements and members.")
    merge: Literal["replace", "shallow", "deep"] | None = Field(
        None,
        description="What the server does with members that are not sent: `replace` drops them (so we read, overlay"
        " and send the whole), `shallow` and `deep` keep them. Default: `replace`; for patches `deep`, but for lists.",
    )
    key: str = Field("", description="keyed: member that tells elements apart, with its type: `id:int`.")
    value: str = Field("", description="keyed: member that holds an element's value.")
    item: str = Field("", description="list, set: pointer to the member that stands for an element.")
    item_as: Literal["value", "object"] = Field(
        "value", description="Whether elements are sent as that value, or as objects with it."
    )
    sep: str = Field("", description="list, set: what joins elements where the API holds them as one text.")
    read_from: str = Field("", description="Where a read shows it, by pointer in the record.")
    write_to: str = Field("", description="Where an update takes it, by pointer in the body; `{field}` is filled.")
    clear: Literal["null", "empty", "omit", "never"] | None = Field(
        None,
        description="How it is cleared: by null, by an empty text or list, by leaving the member out, or never."
        " Default: `null`; `empty` for forms.",
    )
    encode: Literal["text", "list", "epoch", "epoch_ms"] | None = Field(
        None, description="How a value is written: as text, as a list of one, a date as seconds or ms since 1970."
    )
    read_only: bool = Field(False, description="Columns for it are refused; it never goes back in a whole record.")
    write_only: bool = Field(False, description="No read shows it.")
    action: bool = Field(False, description="It makes something happen; sent only with --allow-trigger, never twice.")
    enum: tuple[Scalar, ...] = Field((), description="The values it takes.")


class UpdateDescription(_Part):
    """How a record is updated."""

    method: Literal["PATCH", "PUT", "POST"] = Field("PATCH", description="Method.")
    path: str = Field("", description="Path, where it is not that of the resource.")
    query: Mapping[str, str] = Field({}, description="Query parameters; `{…}` is filled.")
    headers: Mapping[str, str] = Field({}, description="Headers of updates.")
    format: Literal["json", "merge_patch", "json_patch", "json_api", "form"] = Field(
        "json", description="Form of the body."
    )
    send: Literal["changes", "record"] = Field(
        "changes", description="Send what changes, or all that was read with the changes."
    )
    wrap: str = Field("", description="Where the fields stand in the body, by pointer; empty: the body itself.")
    constants: Mapping[str, object] = Field({}, description="Fixed members of the body, by pointer.")
    mask: str = Field("", description="Query parameter that lists the fields sent, such as `updateMask`.")
    echo: str | None = Field(
        None, description="Where the reply shows the record, by pointer. Default: as `record` of the resource."
    )


class ReadDescription(_Part):
    """How one record is read."""

    path: str = Field("", description="Path, where it is not that of the resource.")
    query: Mapping[str, str] = Field({}, description="Query parameters; `{fields}` lists what is needed.")
    headers: Mapping[str, str] = Field({}, description="Headers of reads.")


class ReadManyDescription(_Part):
    """How many records are read at once. `{ids}` repeats its element in a list, and joins the ids in a text."""

    method: Literal["GET", "POST"] = Field("GET", description="Method.")
    path: str = Field(description="Path.")
    query: Mapping[str, str | tuple[str, ...]] = Field({}, description="Query parameters.")
    headers: Mapping[str, str] = Field({}, description="Headers.")
    body: Mapping[str, object] = Field({}, description="JSON body of a POST.")
    each: str = Field("{id}", description="How one id is written within `{ids}`: `ID()='{id}'`.")
    join: str = Field(",", description="What stands between two ids where `{ids}` is a text: `|`, ` OR `.")
    max_ids: int = Field(25, ge=2, le=1000, description="Records on one page.")
    records: str = Field("", description="Where the list of records stands, by pointer.")
    id: str = Field("/id", description="Where a record shows its id, by pointer in the element.")


class FindDescription(_Part):
    """How a record is found by another key. Anything but exactly one exact match sends nothing."""

    by: tuple[str, ...] = Field(min_length=1, description="Fields that a sheet may name records by.")
    method: Literal["GET"] = Field("GET", description="Method.")
    path: str = Field(description="Path.")
    query: Mapping[str, str] = Field({}, description="Query parameters; `{by}` and `{value}` are filled.")
    headers: Mapping[str, str] = Field({}, description="Headers.")
    records: str = Field("", description="Where the matches stand, by pointer: a list of them, or one by itself.")
    id: str = Field("/id", description="Where a match shows its id, by pointer in it.")


class ListDescription(_Part):
    """How all records are listed (for `pull`)."""

    path: str = Field(description="Path.")
    records: str = Field("", description="Where the list stands, by pointer.")
    next: str = Field("", description="Where the reply names the next page, by pointer or `@Link`.")
    page_size: str = Field("", description="Query parameter with the size of a page.")
    filter: str = Field("", description="Query parameter for a filter.")


class PreconditionDescription(_Part):
    """What makes an update conditional; values are filled from what was read: `{@ETag}`, `{/updated_at}`."""

    headers: Mapping[str, str] = Field({}, description="Headers of the update.")
    body: Mapping[str, Scalar] = Field({}, description="Members of its body, by pointer.")
    query: Mapping[str, str] = Field({}, description="Its query parameters.")


class ResourceDescription(_Part):
    """One type of records. In its texts `{type}` is its name."""

    path: str = Field(description="Path of one record; its variables are the record's key.")
    record: str = Field("", description="Where a reply holds one record, by pointer; empty: the document.")
    values: str = Field("", description="Where the record holds its fields, by pointer in the record.")
    omits_empty: bool = Field(False, description="A read leaves out fields that are false, 0, or empty.")
    update: UpdateDescription = Field(UpdateDescription(), description="How it is updated.")
    read: ReadDescription | Literal[False] = Field(
        ReadDescription(), description="How it is read; false: it cannot be."
    )
    read_many: ReadManyDescription | None = Field(None, description="How many are read at once.")
    find: FindDescription | None = Field(None, description="How it is found by another key.")
    list: ListDescription | None = Field(None, description="How all are listed.")
    precondition: PreconditionDescription | None = Field(None, description="What makes updates conditional.")
    headers: Mapping[str, str] = Field({}, description="Headers of every request about it.")
    limits: tuple[LimitDescription, ...] = Field((), description="Limits of its own.")
    errors: ErrorPlaces | None = Field(None, description="Where its failures say what is wrong.")
    error_rules: tuple[ErrorRule, ...] = Field((), description="Rules that go before those of the API.")
    settle_s: float | None = Field(
        None, ge=0, le=600, description="Seconds that its reads may lag; default: that of the API."
    )
    fields: Mapping[str, FieldDescription] = Field({}, description="What is known of its fields, by name.")


class Description(_Part):
    """An API."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9_-]*$", description="Its name, in messages and lists.")
    code: Literal["", "commercelayer"] = Field(
        "", description="Code that completes the description by what data cannot say; there is `commercelayer`."
    )
    verified: str = Field("", description="What it was checked against, and when: `docs 2026-11`, `probe 2026-12-01`.")
    notes: tuple[str, ...] = Field(
        (), description="Traps, printed by `apis show` and before the first update of a run."
    )
    base_url: str = Field("", description="Where it is, with its version; may hold variables. --url replaces it.")
    variables: Mapping[str, str] = Field(
        {}, description="Defaults of variables; --set and the environment override them."
    )
    headers: Mapping[str, str] = Field({}, description="Headers of every request.")
    limits: tuple[LimitDescription, ...] = Field(
        (), description="Limits to keep; those that replies state are learned beside them."
    )
    limit_headers: tuple[LimitHeaders, ...] = Field(
        (), description="Headers that state limits under names of the API's own."
    )
    errors: ErrorPlaces = Field(ErrorPlaces(), description="Where failures say what is wrong.")
    idempotency_key: str = Field("", description="Header of updates for a key, by which the API knows a repetition.")
    settle_s: float = Field(2.0, ge=0, le=600, description="Seconds that reads may lag behind writes.")
    auth: AuthDescription = Field(AuthDescription(), description="How requests are authorised.")
    error_rules: tuple[ErrorRule, ...] = Field((), description="What replies mean; the first match counts.")
    resources: Mapping[str, ResourceDescription] = Field(
        min_length=1,
        description='Types of records, by name; `"*"` is every type that is not listed. `{type}` is the name.',
    )
