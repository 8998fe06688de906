"""Answer the requests of the fleet's users, with all its odd habits."""

import json
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from tests.system.odd_server.store import Json, Refusal, Store

KEY = "pedal-key-1"
CALLS_PER_SECOND = 25
MOST_AT_ONCE = 50

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Serve one store, and note every request in a ledger."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.store = Store(folder)
        self._ledger = folder / "ledger.jsonl"
        self._ledger.write_text("", encoding="utf-8")
        self._recent: deque[float] = deque()
        self._writes = 0

    def application(self) -> web.Application:
        """Build the application."""
        app = web.Application(middlewares=[self._guard])
        app.router.add_post("/v2/bikes/lookup", self._lookup)
        app.router.add_get("/v2/bikes", self._list)
        app.router.add_get("/v2/bikes/{id:.+}", self._get_bike)
        app.router.add_put("/v2/bikes/{id:.+}", self._put_bike)
        app.router.add_get("/v2/stations/{id:.+}", self._get_station)
        app.router.add_put("/v2/stations/{id:.+}", self._put_station)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.text()
        try:
            answer = await self._admitted(request, handler)
        except Refusal as refusal:
            answer = web.json_response({"problems": [refusal.problem]}, status=refusal.status)
        except web.HTTPException as error:
            problem = {"code": "no_such_path", "field": None, "text": "Nothing is here."}
            answer = web.json_response({"problems": [problem]}, status=error.status)
        line = {"at": time.time(), "method": request.method, "path": request.raw_path, "body": body}
        with self._ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(json.dumps({**line, "status": answer.status}, ensure_ascii=False) + "\n")
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("X-Pedal-Key") != KEY:
            raise Refusal(401, "bad_key", "Send your key in X-Pedal-Key.")
        now = time.time()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= CALLS_PER_SECOND:
            free = self._recent[0] + 1
            when = datetime.fromtimestamp(free, UTC).isoformat(timespec="milliseconds")
            problem = {"code": "slow_down", "field": None, "text": "Too many calls.", "freeAt": when}
            wait = {"X-Pedal-Wait-Ms": str(int((free - now) * 1000) + 1)}
            return web.json_response({"problems": [problem]}, status=429, headers=wait)
        self._recent.append(now)
        return await handler(request)

    async def _list(self, request: web.Request) -> web.Response:
        first = int(request.query.get("from", "0"))
        bikes = list(self.store.bikes.values())
        following = first + MOST_AT_ONCE if first + MOST_AT_ONCE < len(bikes) else None
        return web.json_response({"bikes": bikes[first : first + MOST_AT_ONCE], "nextFrom": following})

    async def _lookup(self, request: web.Request) -> web.Response:
        asked = (await _sent(request)).get("ids")
        if not isinstance(asked, list) or len(asked) > MOST_AT_ONCE:
            raise Refusal(422, "wrong_type", f"Send a list of at most {MOST_AT_ONCE} ids.", "ids")
        found = [self.store.bikes[name] for name in asked if name in self.store.bikes]
        return web.json_response({"bikes": found})

    async def _get_bike(self, request: web.Request) -> web.Response:
        name = _name(request)
        if name not in self.store.bikes:
            raise Refusal(404, "no_such_bike", f"There is no bike {name!r}.")
        return web.json_response({"bike": self.store.bikes[name], "served": "pedal-2"})

    async def _put_bike(self, request: web.Request) -> web.Response:
        name = _name(request)
        self.store.update_bike(name, await _sent(request))
        self._writes += 1
        if self._writes % 5 == 0:
            return web.Response(status=204)
        return web.json_response({"bike": self.store.bikes[name], "served": "pedal-2"})

    async def _get_station(self, request: web.Request) -> web.Response:
        name = _name(request)
        if name not in self.store.stations:
            raise Refusal(404, "no_such_station", f"There is no station {name!r}.")
        return web.json_response({"station": self.store.stations[name]})

    async def _put_station(self, request: web.Request) -> web.Response:
        station = self.store.replace_station(_name(request), await _sent(request))
        return web.json_response({"station": station})


def _name(request: web.Request) -> str:
    """Read the id, whose slash must have been sent as %2F."""
    pieces = request.raw_path.split("?")[0].split("/")
    if len(pieces) != 4:
        raise Refusal(404, "no_such_path", "Nothing is here.")
    return unquote(pieces[3])


async def _sent(request: web.Request) -> dict[str, Json]:
    try:
        body = await request.json()
    except ValueError as error:
        raise Refusal(400, "bad_json", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "bad_json", "The body is not an object.")
    return body
