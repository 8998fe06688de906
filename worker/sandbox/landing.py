"""When accepted updates take effect, and what reads show until then. A pure function of time and dice."""

import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from worker.sandbox.jsonapi import JSON
from worker.sandbox.resources import Resource, Store
from worker.sandbox.strange import Strange
from worker.sandbox.updates import updated
from worker.sandbox.validation import Update

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted update that takes effect at `at`, loop time in seconds. `stamp` becomes the `updated_at`."""

    at: float
    key: Key
    update: Update
    stamp: str


class Landings:
    """Lets updates of a store take effect, at once or late.

    Attributes:
        on_land: is given each record that has changed after its request.
    """

    def __init__(self, store: Store, strange: Strange, random_seed: int) -> None:
        self.on_land: Callable[[Resource], None] = lambda _: None
        self._store = store
        self._strange = strange
        self._dice = Random(f"landings:{random_seed}")
        self._pending: dict[Key, deque[Pending]] = {}
        self._past: dict[Key, list[tuple[float, Resource]]] = {}

    def moment(self, resource: Resource, now: float) -> float:
        """Return when an update of the record takes effect that is accepted now: never before an earlier one."""
        late = self._dice.uniform(0, self._strange.lands_late) if self._strange.lands_late else 0.0
        queue = self._pending.get(_key(resource))
        return max(now + late, queue[-1].at) if queue else now + late

    def accept(self, pending: Pending, now: float) -> Resource:
        """Take an update in, and return the record as it will be."""
        if pending.at <= now:
            return self._apply(pending)
        queue = self._pending.setdefault(pending.key, deque())
        queue.append(pending)
        record = self._record(pending.key)
        for each in queue:
            record = updated(record, each.update, each.stamp, self._store)
        return record

    def land(self, now: float) -> None:
        """Let everything take effect that is due."""
        for key in [key for key, queue in self._pending.items() if queue[0].at <= now]:
            queue = self._pending[key]
            while queue and queue[0].at <= now:
                self.on_land(self._apply(queue.popleft()))
            if not queue:
                del self._pending[key]

    @property
    def last(self) -> float:
        """When the last accepted update takes effect; 0 when none is pending."""
        return max((queue[-1].at for queue in self._pending.values()), default=0.0)

    def shown(self, resource: Resource, now: float) -> Resource:
        """Return the record as a read shows it: as it is, or as it was a moment ago."""
        lag = self._strange.reads_lag
        if not lag or self._dice.random() < 0.5:  # one replica of two is behind
            return resource
        moment = now - self._dice.uniform(0, lag)
        return next((old for until, old in self._past.get(_key(resource), ()) if moment < until), resource)

    def is_listed(self, resource: Resource, now: float) -> bool:
        """Return whether lists know the record: for a while after a change, they may not."""
        past = self._past.get(_key(resource), [])
        changing = any(now < changed + self._strange.index_lag for changed, _ in past[-1:])
        return not changing or self._dice.random() < 0.5

    def _apply(self, pending: Pending) -> Resource:
        record = self._record(pending.key)
        changed = updated(record, pending.update, pending.stamp, self._store)
        if self._strange.reads_lag or self._strange.index_lag:
            self._past.setdefault(pending.key, []).append((pending.at, record))
        self._store.put(changed)
        return changed

    def _record(self, key: Key) -> Resource:
        return self._store.by_type[key[0]][key[1]]


def _key(resource: Resource) -> Key:
    return resource.type, resource.id


def tidied(update: Update) -> Update:
    """Return the update with every text in the form that a tidy server stores."""
    attributes = {name: _tidy(value) for name, value in update.attributes.items()}
    return replace(update, attributes=attributes)


def _tidy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {name: _tidy(member) for name, member in value.items()}
    return canonical_text(value) if isinstance(value, str) else value


def canonical_text(text: str) -> str:
    """Return a text trimmed, composed (NFC), with Unix line ends, and in lower case where it looks like an e-mail."""
    clean = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return clean.lower() if "@" in clean and " " not in clean else clean
