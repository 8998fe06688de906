"""Begin a run for `apply` or `plan`: turn flags and environment into settings."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from jobs.apis.api import Api
from worker.cli.by_recipe import filled, read_as, viewed
from worker.cli.chosen import chosen_api
from worker.cli.flags import ApiFlags, Flags, SourceFlags, new_settings
from worker.cli.guarded import standard_input
from worker.cli.phases import Phases
from worker.cli.session import work
from worker.cli.speech import warn
from worker.files import run_directory, source
from worker.operations import apis, opening, recipes
from worker.operations.runs import RunMode
from worker.settings import ConfigError, Environment, Secrets, read_secrets


def begin(
    given: str | None,
    run_dir: Path | None,
    mode: RunMode,
    flags: Flags,
    reading: SourceFlags,
    which: ApiFlags,
    *,
    recipe: Path | None = None,
    detailed: bool = False,
) -> int:
    """Begin a run of `given`, or of the sheet that a recipe names, and work on it; return the exit status.

    Raises:
        ConfigError, InputRefused: nothing was sent, and no directory is left behind.
    """
    job = None
    environment: Mapping[str, str] = Environment(os.environ)
    if recipe is not None:
        job = recipes.chosen(recipe)
        flags, which = filled(job, flags, which)
        if said := recipes.overruled(job.recipe.credentials, environment):
            warn(said)
        environment = recipes.environment(job.recipe.credentials, job.folder, environment)
        given = str(recipes.source_of(job, time.time())) if given is None else given
        reading = read_as(job, reading, given)
    if given is None:
        raise ConfigError(f"Which sheet? Try: rowpatch {mode.name} payments.csv --type stripe_payments")
    name = "-" if given == "/dev/stdin" else given
    opening.refuse_name(name)
    api = chosen_api(which)
    secrets = read_secrets(environment, api.auth)
    target = apis.target_of(api, flags.url or _url_of_token(api, secrets))
    settings = new_settings(name, reading.format or source.guess_format(name), target, flags, reading)
    if job is not None:
        settings = settings.model_copy(update={"input": viewed(settings.input, job)})
    directory = run_dir or run_directory.default(name, time.time())
    observer = Phases(shown=not flags.no_progress)
    with opening.begun(directory, settings, warn, standard_input(name), api, job, observer) as handle:
        return work(handle, mode, flags, detailed=detailed)


def _url_of_token(api: Api, secrets: Secrets) -> str:
    """Return the URL that the token names, and say so; empty where it names none."""
    url = api.auth.claims(secrets.token.get_secret_value()).url if secrets.token else ""
    if url:
        warn(f"The API is {url}: the token names it. To use another, pass --url.")
    return url
