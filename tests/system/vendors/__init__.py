"""The judge: fake servers of well-known APIs, written from the vendors' own documents and from nothing else.

They share no assumption with the tool: nobody who wrote them had read `jobs` or `worker`. Every behaviour names its
source beside it; what is general knowledge is marked "unverified".

How to use one::

    from tests.system.vendors import zendesk

    fake = zendesk.Fake(zendesk.some(100), updates=(5, 0.5), lose_reply_every=7)
    async with fake.serving() as url:
        ...                     # let the tool work against `url`
    fake.records["1"]           # the truth, in the fake's own form; a test may change it, as another writer would
    fake.history                # each write: number of the request, time, key, before, after
    fake.log                    # each request: number, time, method, path, query, headers, body, status, fate

`some(n)` makes n records (five by default). Every rate is (how many, in how many seconds), or None for no limit; so a
test scales a minute down to half a second. Waiting times in headers are whole seconds, rounded up, as vendors do it.

Parameters that every fake takes:
    lose_reply_every=n    each n-th write that succeeded is applied, then the connection is dropped
    lose_before_every=n   each n-th write that comes in is dropped before it is looked at
    lag_s=s               reads show a record as it was before the writes of the last s seconds
    clock=callable        seconds since the epoch (time.time); `base.ManualClock` is moved by hand

`serving` ends with an AssertionError where a fake itself failed, so its mistakes are not taken for the tool's.

github      GitHub issues. PATCH /repos/acme/shop/issues/{n}; GET one, GET pages of 30 (at most 100).
    Credentials: Bearer github.TOKEN; a User-Agent is required.
    200 with the issue; labels are sent as names and come as objects; lists replace. Unknown members are ignored.
    403 or 429 with X-RateLimit-Remaining 0 and a reset in epoch seconds; the secondary limit shows in no header.
    push=False drops labels, assignees and milestone with a 200. primary, points, concurrent, secondary_wait,
    refuse_with, milestones, takes_s.
zendesk     Zendesk tickets. PUT /api/v2/tickets/{id}[.json] with {"ticket": {}}; GET one; show_many?ids= (100).
    Credentials: Basic zendesk.EMAIL/token and zendesk.API_TOKEN (zendesk.AUTHORIZATION).
    tags replace; custom_fields by id, a tagger is a tag too; safe_update with updated_stamp: 409 UpdateConflict.
    Three limits (account, updates, per_ticket): 429 as text with Retry-After; headers tell of the first only.
    collide_every: 409 DatabaseConflict.
jira        Jira Cloud issues. PUT /rest/api/3/issue/{key} with fields or update; GET one; POST bulkfetch (100).
    Credentials: Basic jira.EMAIL and jira.API_TOKEN (jira.AUTHORIZATION).
    204, or 200 with returnIssue=true; errors by field; long text is a document; notifyUsers=false spares `mails`.
    429 with RateLimit-Reason, Retry-After and a reset in ISO 8601: bursts per endpoint and method (bursts, buffer),
    writes per issue (short, long). near.
hubspot     HubSpot contacts. PATCH /crm/v3/objects/contacts/{id}?idProperty= or /crm/objects/2026-03/contacts/{id};
    GET one; POST batch/read (100), 207 where some are missing.
    Credentials: Bearer hubspot.TOKEN.
    Values are text, "" clears; unknown and read-only properties are errors; unique values 409.
    429 with policyName and no Retry-After (retry_after=True sends it): rolling, daily. migrating_for_s: 477.
stripe      Stripe customers and payment intents. POST /v1/customers/{id}, /v1/payment_intents/{id} as a form; GET one.
    Credentials: Bearer stripe.KEY, or Basic with it as user.
    metadata[k]=v merges, "" removes; 50 keys, 40 and 500 characters. Idempotency-Key replays, 500s too; other
    parameters with the same key 400. 429 with Stripe-Rate-Limited-Reason: everything, endpoint, intent; lock_every:
    429 lock_timeout. fail_every, fail_applies: 500. keep_keys_s.
airtable    Airtable records. PATCH /v0/{base}/{table}/{rec} with {"fields": {}} (PUT wipes), PATCH of up to ten; GET
    one; GET with filterByFormula over RECORD_ID() and POST listRecords (100 a page, offset).
    Credentials: Bearer airtable.TOKEN; base airtable.BASE, table airtable.TABLE.
    Fields by name or id; empty cells are left out of answers; typecast. Beyond per_base all is 429 for lockout_s,
    without Retry-After. per_token, lockout_extends, monthly.
salesforce  Salesforce accounts. PATCH /services/data/v64.0/sobjects/Account/{Id}: 204; GET one; composite/sobjects/
    Account by GET or POST (2,000), null for the missing.
    Credentials: POST /services/oauth2/token, a form with salesforce.CLIENT_ID and CLIENT_SECRET (or Basic); the
    answer has instance_url and no expires_in. separate_instance serves data on another port; token_s.
    Errors are an array; field names without case; "" is null. Beyond daily: 403 REQUEST_LIMIT_EXCEEDED, no
    Retry-After. lock_row_every: UNABLE_TO_LOCK_ROW.
kubernetes  A custom resource. PATCH {kubernetes.ROOT}/{name} by content type: merge-patch or json-patch (strategic
    merge 415); PUT with resourceVersion; GET one, GET list (limit, continue, labelSelector).
    Credentials: Bearer kubernetes.TOKEN; kubernetes.READER may only read.
    resourceVersion in a patch: 409 where it is old. Unknown fields are pruned with a Warning, status is ignored; 422
    with causes; dryRun, fieldValidation. flow: 429 with Retry-After.
kinto       Kinto records. PATCH {kinto.ROOT}/{id} with {"data": {}}: plain JSON (first level), merge-patch, json-patch;
    PUT replaces; GET one, GET list (in_id=, _limit, Next-Page).
    Credentials: Basic kinto.USER and kinto.PASSWORD (kinto.AUTHORIZATION).
    ETag, If-Match: 412 with the record. backoff: the Backoff header; overloaded_every: 503 with retry_after; rate.
jsonapi     A generic JSON:API 1.1 server. PATCH /articles/{id}; GET one; GET with filter[id], page[size], fields.
    Credentials: Bearer jsonapi.TOKEN; media type jsonapi.MEDIA.
    409 where type or id do not match; 415 and 406; errors with pointers. reply: document, no_content (204) or meta;
    unknown: refuse or drop; replace_tags; page_size; rate.
keycloak    Keycloak users. PUT {keycloak.USERS}/{id}: 204; GET one; GET by email, username (no reading by ids).
    Credentials: POST /realms/shop/protocol/openid-connect/token, a form with keycloak.CLIENT_ID and CLIENT_SECRET (or
    Basic); tokens live token_s (60).
    attributes are replaced whole, unmanaged ones discarded; a missing name or e-mail is cleared where attributes are
    sent (clears="always": whenever). required, managed, unmanaged, rename.
google      A Google-style resource. PATCH /v1/{google.book_name(n)}?updateMask=a,b.c; GET one; GET
    /v1/publishers/acme/books:batchGet?names= (all or none).
    Credentials: Bearer google.TOKEN.
    Without a mask the whole record is replaced (no_mask="populated": what the body has). Empty values are left out of
    answers; etag: 409 ABORTED. quota: 429 RESOURCE_EXHAUSTED.
"""
