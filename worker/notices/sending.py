"""Sends the notices that are due after a night. One that fails fails nothing: it is an event."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

import anyio.to_thread

from worker.events import NoticeFailed, NoticeSent, Observer
from worker.lane.network import Route
from worker.notices import command, webhook
from worker.notices.command import Command
from worker.notices.deciding import Notice, Occasion, digest, due, text
from worker.notices.report import NightReport
from worker.notices.webhook import Webhook
from worker.settings import ConfigError

_DIRECT: Final = Route()


async def send(
    notices: Sequence[Notice],
    night: NightReport,
    before: NightReport | None,
    environment: Mapping[str, str],
    observer: Observer,
    route: Route = _DIRECT,
    secret: Collection[str] = (),
) -> None:
    """Send each notice that is due, one after the other, and report each to the observer.

    Args:
        notices: of the job's recipe.
        night: that ended.
        before: the night before it.
        environment: of this process: it may hold addresses of webhooks.
        observer: hears of each notice.
        route: to webhooks.
        secret: variables that hold credentials under names of the user's choice: commands do not get them.
    """
    addresses = {each.way.url_env for each in notices if isinstance(each.way, Webhook) and each.way.url_env}
    for notice in notices:
        if occasions := due(notice, night, before):
            why = await _sent(notice, night, occasions, environment, route, {*secret, *addresses})
            place = _place(notice)
            observer(NoticeFailed(place, occasions, why) if why else NoticeSent(place, occasions))


async def _sent(
    notice: Notice,
    night: NightReport,
    occasions: tuple[Occasion, ...],
    environment: Mapping[str, str],
    route: Route,
    secret: Collection[str],
) -> str:
    """Return why the notice could not be sent; empty if it was."""
    said = digest(night, occasions)
    if isinstance(notice.way, Command):
        work = partial(command.run, notice.way, said, environment, secret)
        return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
    try:
        to = webhook.address(notice.way, environment)
    except ConfigError as error:
        return str(error)
    return await webhook.post(to, said if notice.way.style == "json" else {"text": text(night, occasions)}, route)


def _place(notice: Notice) -> str:
    """Name the notice in the log: the program, or where the address comes from."""
    way = notice.way
    return f"command {way.argv[0]}" if isinstance(way, Command) else f"webhook {way.url_file or way.url_env}"
