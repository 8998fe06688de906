"""A Kubernetes API server with one custom resource: widgets of example.com/v1.

Sources: [concepts] kubernetes.io/docs/reference/using-api/api-concepts (patch types, resource versions, field
validation, dry run); [crd] kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
(pruning, status subresource, generation); [conv] kubernetes/community contributors/devel/sig-architecture/
api-conventions.md (Status, reasons, causes, 409, 422); [seen] messages quoted in public issues. "Unverified" marks
general knowledge.
"""

import copy
from collections.abc import Sequence
from typing import Unpack

from tests.system.vendors.base import (
    Call,
    Common,
    FakeVendor,
    Json,
    PatchFailed,
    Rate,
    Records,
    Refusal,
    Reply,
    RollingWindow,
    Route,
    json_patch,
    merge_patch,
    stamp,
)

TOKEN = "madeUpServiceAccountToken"
READER = "madeUpReadOnlyToken"
NAMESPACE, GROUP, KIND = "shop", "example.com", "Widget"
ROOT = f"/apis/{GROUP}/v1/namespaces/{NAMESPACE}/widgets"

_MERGE, _JSON, _STRATEGIC = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
)
_SPEC: dict[str, type | tuple[type, ...]] = {
    "size": str,
    "replicas": int,
    "enabled": bool,
    "tags": list,
    "limits": dict,
}
_META_FIXED = ("name", "namespace", "uid", "creationTimestamp", "generation")


def some(count: int) -> dict[str, dict[str, Json]]:
    """Make widgets widget-1 to widget-count."""
    return {
        f"widget-{n}": {
            "apiVersion": f"{GROUP}/v1",
            "kind": KIND,
            "metadata": {
                "name": f"widget-{n}",
                "namespace": NAMESPACE,
                "uid": f"00000000-0000-0000-0000-{n:012d}",
                "resourceVersion": str(100 + n),
                "generation": 1,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": {"tier": "gold"},
            },
            "spec": {"size": "small", "replicas": n, "tags": ["old"], "limits": {"cpu": "1", "memory": "1Gi"}},
            "status": {"ready": True},
        }
        for n in range(1, count + 1)
    }


def _status(code: int, reason: str, message: str, details: Json = None, **headers: str) -> Refusal:
    # Errors are a Status: [conv].
    body: dict[str, Json] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
    }
    body |= {"reason": reason, "code": code}
    return Refusal(Reply(code, {**body, "details": details} if details else body, headers))


class Fake(FakeVendor):
    """The part of an API server that patches of widgets need."""

    def __init__(
        self,
        records: Records | None = None,
        *,
        flow: Rate = None,
        **common: Unpack[Common],
    ) -> None:
        """Serve widgets; beyond `flow` requests are refused with 429, as priority and fairness does."""
        super().__init__(some(5) if records is None else records, **common)
        self._flow = RollingWindow(*flow) if flow else None
        self._version = 1000

    def routes(self) -> list[Route]:
        root = f"/apis/{GROUP}/v1/namespaces/{{namespace}}/widgets"
        return [
            ("GET", root, self._list),
            ("GET", f"{root}/{{name}}", self._one),
            ("PUT", f"{root}/{{name}}", self._replace),
            ("PATCH", f"{root}/{{name}}", self._patch),
        ]

    def no_route(self, call: Call, allowed: Sequence[str]) -> Reply:
        if allowed:
            text = "the server does not allow this method on the requested resource"
            return _status(405, "MethodNotAllowed", text).reply
        return _status(404, "NotFound", "the server could not find the requested resource").reply

    async def gate(self, call: Call) -> None:
        sent = call.headers.get("Authorization", "")
        if sent not in (f"Bearer {TOKEN}", f"Bearer {READER}"):
            raise _status(401, "Unauthorized", "Unauthorized")
        if self._flow and not self._flow.take(self.now()):
            # 429 with Retry-After: kubernetes.io/docs/concepts/cluster-administration/flow-control (value unverified).
            wait = {"Retry-After": "1"}
            raise _status(429, "TooManyRequests", "Too many requests, please try again later.", **wait)
        wrong_place = call.args.get("namespace", NAMESPACE) != NAMESPACE
        if wrong_place or (sent == f"Bearer {READER}" and call.method != "GET"):
            verb = "get" if call.method == "GET" else "patch"
            text = f'widgets.{GROUP} is forbidden: User "judge" cannot {verb} resource "widgets" in API group "{GROUP}"'
            raise _status(403, "Forbidden", text)

    def _named(self, call: Call) -> str:
        name = call.args["name"]
        if name not in self.records:
            details = {"name": name, "group": GROUP, "kind": "widgets"}
            raise _status(404, "NotFound", f'widgets.{GROUP} "{name}" not found', details)
        return name

    async def _one(self, call: Call) -> Reply:
        return Reply(200, self.shown(self._named(call)))

    async def _list(self, call: Call) -> Reply:
        # labelSelector of the form a=b, and limit with continue: [concepts].
        items = [shown for key in sorted(self.records) if (shown := self.shown(key))]
        for pair in filter(None, call.query.get("labelSelector", "").split(",")):
            label, _, value = pair.partition("=")
            items = [item for item in items if item["metadata"].get("labels", {}).get(label) == value]
        start = int(call.query.get("continue") or 0)
        limit = int(call.query.get("limit") or len(items))
        meta: dict[str, Json] = {"resourceVersion": str(self._version)}
        if start + limit < len(items):
            meta["continue"] = str(start + limit)
        page = items[start : start + limit]
        return Reply(200, {"kind": f"{KIND}List", "apiVersion": f"{GROUP}/v1", "metadata": meta, "items": page})

    def _json(self, call: Call) -> Json:
        try:
            return call.json()
        except ValueError as problem:
            text = f"error decoding patch: {problem}"  # unverified text
            raise _status(400, "BadRequest", text) from None

    async def _patch(self, call: Call) -> Reply:
        # The content type is the semantics: [concepts].
        name = self._named(call)
        before = self.records[name]
        if call.content_type == _MERGE:
            after = merge_patch(before, self._json(call))
        elif call.content_type == _JSON:
            after = self._operated(name, before, self._json(call))
        else:
            raise self._unsupported(call)
        return self._kept(call, name, after)

    def _unsupported(self, call: Call) -> Refusal:
        # 415, also for strategic merge patch, which custom resources do not have: [crd]; the words are [seen].
        known = f"{_JSON}, {_MERGE}, application/apply-patch+yaml"
        text = f"the body of the request was in an unknown format - accepted media types include: {known}"
        if call.content_type == _STRATEGIC:
            text = f"{_STRATEGIC} is not supported by {GROUP}/v1, Kind={KIND}: {text}"
        return _status(415, "UnsupportedMediaType", text)

    def _operated(self, name: str, before: Json, operations: Json) -> Json:
        try:
            return json_patch(before, operations)
        except PatchFailed:
            # 422 Invalid for a test that fails, and for what cannot be done; the sentence is [seen].
            text = "the server rejected our request due to an error in our request"
            raise _status(422, "Invalid", text) from None

    async def _replace(self, call: Call) -> Reply:
        name = self._named(call)
        if call.content_type != "application/json":
            raise self._unsupported(call)
        sent = self._json(call)
        if not (sent.get("metadata") or {}).get("resourceVersion"):
            # A PUT of a custom resource must name its version: [conv]; the words are [seen].
            cause = "metadata.resourceVersion: Invalid value: 0x0: must be specified for an update"
            raise self._invalid(name, [("metadata.resourceVersion", cause)])
        return self._kept(call, name, sent)

    def _invalid(self, name: str, problems: Sequence[tuple[str, str]]) -> Refusal:
        # 422 with a cause for each field: [conv].
        causes = [{"reason": "FieldValueInvalid", "message": text, "field": field} for field, text in problems]
        details = {"name": name, "group": GROUP, "kind": KIND, "causes": causes}
        told = ", ".join(f"{field}: {text}" for field, text in problems)
        return _status(422, "Invalid", f'{KIND}.{GROUP} "{name}" is invalid: {told}', details)

    def _kept(self, call: Call, name: str, after: Json) -> Reply:
        before = self.records[name]
        if not isinstance(after, dict):
            raise _status(400, "BadRequest", "json: cannot unmarshal array into an object")  # unverified text
        self._fits(name, before, after)
        after, pruned = _pruned(after)
        headers = self._validated(call, pruned)
        self._check_spec(name, after.get("spec"))
        # status is a subresource: what is sent of it here is ignored, silently: [crd].
        after["status"] = copy.deepcopy(before.get("status"))
        after = self._versioned(before, after)
        if after != before and call.query.get("dryRun") != "All":
            self.write(call, name, after)
        return Reply(200, after, headers)

    def _fits(self, name: str, before: Json, after: Json) -> None:
        meta = after.get("metadata") or {}
        if meta.get("name") != name:
            text = f"the name of the object ({meta.get('name')}) does not match the name on the URL ({name})"
            raise _status(400, "BadRequest", text)
        sent = meta.get("resourceVersion")
        if sent not in (None, before["metadata"]["resourceVersion"]):
            # 409 for an old version, in a patch too: [conv]; the words are [seen].
            text = "the object has been modified; please apply your changes to the latest version and try again"
            full = f'Operation cannot be fulfilled on widgets.{GROUP} "{name}": {text}'
            raise _status(409, "Conflict", full, {"name": name, "group": GROUP, "kind": "widgets"})
        for kind in ("labels", "annotations"):
            for label, value in (meta.get(kind) or {}).items():
                if not isinstance(value, str):
                    text = f"unable to decode: metadata.{kind}.{label} must be a string"  # unverified text
                    raise _status(400, "BadRequest", text)

    def _validated(self, call: Call, pruned: Sequence[str]) -> dict[str, str]:
        # Unknown fields are pruned: with a Warning header by default, refused with fieldValidation=Strict: [concepts].
        mode = call.query.get("fieldValidation", "Warn")
        if not pruned or mode == "Ignore":
            return {}
        told = ", ".join(f'unknown field "{path}"' for path in pruned)
        if mode == "Strict":
            text = f'{KIND} in version "v1" cannot be handled as a {KIND}: strict decoding error: {told}'  # [seen]
            raise _status(400, "BadRequest", text)
        escaped = told.replace('"', '\\"')
        return {"Warning": f'299 - "{escaped}"'}

    def _check_spec(self, name: str, spec: Json) -> None:
        if not isinstance(spec, dict):
            raise self._invalid(name, [("spec", "Required value")])
        problems = [
            (f"spec.{field}", f'Invalid value: "{type(value).__name__}": spec.{field} in body is of the wrong type')
            for field, value in spec.items()
            if not isinstance(value, _SPEC[field]) or (_SPEC[field] is int and isinstance(value, bool))
        ]
        if "size" not in spec:
            problems.append(("spec.size", "Required value"))
        elif spec["size"] not in ("small", "large"):
            problems.append(("spec.size", f'Unsupported value: "{spec["size"]}": supported values: "small", "large"'))
        if problems:
            raise self._invalid(name, problems)

    def _versioned(self, before: Json, after: Json) -> Json:
        """Keep what the server owns; a change raises the version, one of the spec the generation [crd]."""
        meta, old = after["metadata"], before["metadata"]
        meta.update({field: old[field] for field in _META_FIXED})
        meta["resourceVersion"] = old["resourceVersion"]
        if after == before:
            return after  # nothing changed: the version stays (unverified)
        self._version += 1
        meta["resourceVersion"] = str(self._version)
        meta["generation"] = old["generation"] + (after["spec"] != before["spec"])
        meta["managedFields"] = [{"manager": "judge", "operation": "Update", "time": stamp(self.now())}]
        return after


def _pruned(sent: Json) -> tuple[Json, list[str]]:
    """Take out what the schema does not know."""
    after = copy.deepcopy(sent)
    unknown = [field for field in after if field not in ("apiVersion", "kind", "metadata", "spec", "status")]
    spec = after.get("spec") if isinstance(after.get("spec"), dict) else {}
    inside = [field for field in spec if field not in _SPEC]
    for field in unknown:
        del after[field]
    for field in inside:
        del spec[field]
    return after, [*unknown, *(f"spec.{field}" for field in inside)]
