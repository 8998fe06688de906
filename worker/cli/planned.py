"""Show a finished plan on the terminal, with the time that its updates will take."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jobs.apis.api import Api
from worker.cli.console import show
from worker.engine.progress import duration
from worker.lane.credentials import quota_of
from worker.operations.report import estimate
from worker.reports.plan import PlanSummary
from worker.reports.plan_text import show_plan
from worker.settings import ConfigError, Environment, Settings, read_secrets, state_directory

_OURS: Final = Environment(os.environ)


def show_planned(
    directory: Path, plan: PlanSummary, settings: Settings, api: Api, environment: Mapping[str, str] = _OURS
) -> None:
    """Show a plan and an estimate of its duration; the environment holds the credential, if there is one."""
    show(lambda console: show_plan(console, plan, directory, _estimate(plan, settings, api, environment)))


def _estimate(plan: PlanSummary, settings: Settings, api: Api, environment: Mapping[str, str]) -> str:
    """Say how long the updates will take; return an empty text if nothing is known."""
    found = estimate(plan, settings, api, _whose(settings.target.url, api, environment), state_directory())
    if found is None:
        return ""
    said = f"about {duration(found.seconds)}" if found.seconds >= 1 else "at once"
    at = "the limit of reads" if found.is_guessed else "the known limits"
    return f"{said} at {at}{f', {found.reads:,} reads included' if found.reads else ''}"


def _whose(origin: str, api: Api, environment: Mapping[str, str]) -> str:
    """Return the owner of the quota as `quota_of` does; empty without a credential, which a plan does not need."""
    try:
        return quota_of(api, read_secrets(environment, api.auth), origin)
    except ConfigError:
        return ""
