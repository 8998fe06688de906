"""Replies that show records: one, or a page of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from worker.sandbox.jsonapi import JSON
from worker.sandbox.query import Query
from worker.sandbox.resources import Resource, Store
from worker.sandbox.schema import is_to_many, relationship_names
from worker.sandbox.settings import Mode


@dataclass(frozen=True, slots=True)
class Renderer:
    """Shows records of a store. `url` is the origin that links begin with."""

    url: str
    mode: Mode
    store: Store

    def single(self, resource: Resource, view: str, query: Query) -> dict[str, JSON]:
        """Return the document of one record, seen as type `view`: its own, or the abstract one over it."""
        return self._with_included({"data": self._resource(resource, view, query)}, [resource], query)

    def page(self, found: list[Resource], view: str, query: Query, following: str = "") -> dict[str, JSON]:
        """Return the document of one page of the records; `following` is the target of the next page."""
        start = (query.number - 1) * query.size
        shown = found[start : start + query.size]
        document: dict[str, JSON] = {
            "data": [self._resource(resource, view, query) for resource in shown],
            "meta": {"record_count": len(found), "page_count": -(-len(found) // query.size)},
        }
        if following and start + query.size < len(found):
            document["links"] = {"next": f"{self.url}{following}"}
        return self._with_included(document, shown, query)

    def _with_included(self, document: dict[str, JSON], shown: Iterable[Resource], query: Query) -> dict[str, JSON]:
        if not query.include:
            return document
        found = (target for resource in shown for target in self._targets(resource, query.include))
        targets = {(target.type, target.id): target for target in found}
        return {**document, "included": [self._resource(target, target.type, query) for target in targets.values()]}

    def _targets(self, resource: Resource, names: tuple[str, ...]) -> Iterable[Resource]:
        for name in names:
            linked = resource.relationships.get(name)
            for link in linked if isinstance(linked, list) else [linked]:
                target = self.store.get(str(link["type"]), str(link["id"])) if isinstance(link, dict) else None
                if target is not None:
                    yield target

    def _resource(self, resource: Resource, view: str, query: Query) -> dict[str, JSON]:
        link = f"{self.url}/api/{view}/{quote(resource.id, safe='')}"
        attributes = resource.attributes if view == resource.type else {"type": resource.type, **resource.attributes}
        names: Iterable[str] = relationship_names(view)
        if view in query.fields:
            wanted = query.fields[view]
            attributes = {name: value for name, value in attributes.items() if name in wanted}
            names = [name for name in names if name in wanted]
        shown: dict[str, JSON] = {"id": resource.id, "type": view, "links": {"self": link}}
        if attributes:
            shown["attributes"] = dict(attributes)
        relationships: dict[str, JSON] = {name: _relationship(resource, name, link, query) for name in names}
        if relationships:
            shown["relationships"] = relationships
        shown["meta"] = {"mode": self.mode}
        return shown


def _relationship(resource: Resource, name: str, link: str, query: Query) -> dict[str, JSON]:
    """Return links, and linkage if it is included, whether or not the store has the target."""
    links: dict[str, JSON] = {"links": {"self": f"{link}/relationships/{name}", "related": f"{link}/{name}"}}
    if name not in query.include:
        return links
    empty: JSON = [] if is_to_many(resource.type, name) else None
    return {**links, "data": resource.relationships.get(name, empty)}
