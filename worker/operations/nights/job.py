"""A job as its recipe says it: the API, the settings of tonight's run, credentials, where its memory lies."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from jobs.apis.api import Api
from jobs.apis.description.model import Description
from jobs.apis.description.variables import variables_of
from jobs.recipe import terms
from jobs.values import valueclass
from worker.files import source
from worker.files.locks import Lock, of_job, of_target
from worker.notices.command import Command
from worker.notices.deciding import OCCASIONS, Notice
from worker.notices.webhook import Webhook
from worker.operations import apis, recipes
from worker.operations.recipes import Chosen
from worker.reconcile import Target
from worker.settings import (
    ConfigError,
    Input,
    Pacing,
    Secrets,
    Settings,
    Stopping,
    build,
    read_secrets,
)


@valueclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        chosen: its recipe. `environment`: with the credentials that the recipe names.
    """

    chosen: Chosen
    api: Api
    environment: Mapping[str, str]
    secrets: Secrets
    rules: terms.Rules
    guards: terms.Guards
    quarantine: terms.Quarantine
    run: terms.Run

    @property
    def name(self) -> str:
        """What it is called."""
        return self.chosen.name

    @property
    def state(self) -> Path:
        """The folder of its memory."""
        return state_of(self.chosen, self.run.state)

    @property
    def recipe_digest(self) -> bytes:
        """Hash of the bytes of its recipe."""
        return hashlib.sha256(self.chosen.text.encode()).digest()

    @property
    def lock(self) -> Lock:
        """The lock of the job."""
        return of_job(self.state, self.name)

    def locks(self, home: Path, target: Target, settings: Settings) -> tuple[Lock, ...]:
        """Return the locks of what it changes: two jobs that send whole objects would lose each other's keys."""
        return of_target(home, target.fingerprint, self.api.schema.family(settings.target.type))

    def settings(self, path: Path) -> Settings:
        """Return the settings of a run over a source.

        Raises:
            ConfigError: something in the recipe cannot be used, or nothing says where the API is.
        """
        recipe, said = self.chosen.recipe, self.chosen.recipe.input
        token = self.secrets.token
        url = self.environment.get("ROWPATCH_URL") or recipe.url
        url = url or (self.api.auth.claims(token.get_secret_value()).url if token else "")
        target = apis.target_of(self.api, url).model_copy(update={"type": recipe.type, "expect_mode": self.guards.mode})
        how = build(Input, {
            "source": str(path),
            "format": said.format or source.guess_format(str(path)),
            "encoding": said.encoding or None,
            "delimiter": said.delimiter or None,
            "sheet": said.sheet or None,
            "header_row": said.header_row,
            "visible_only": said.visible_only or None,
            "clear_token": said.clear_token,
            "view": recipe.view,
        })  # fmt: skip
        pacing = build(Pacing, {"concurrency": self.run.concurrency, "rate": self.run.windows or None})
        return Settings(target=target, input=how, pacing=pacing, stopping=self._stopping)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Who is told of its nights."""
        return tuple(
            Notice(
                Command(each.command)
                if each.command
                else Webhook(self.chosen.folder / each.url_file if each.url_file else None, each.url_env, each.style),
                frozenset(OCCASIONS) & frozenset(each.on),
                _per_cent(each.threshold),
            )
            for each in self.chosen.recipe.notify
        )

    @property
    def _stopping(self) -> Stopping:
        after = self.run.stop_after
        share = after.percent if isinstance(after, terms.Share) else None
        rows = after.number if isinstance(after, terms.Count) else None
        return build(Stopping, {"share": share, "rows": rows})


def state_of(chosen: Chosen, said: str) -> Path:
    """Return the folder of a job's memory; `said` as its recipe has it, empty for the default."""
    return chosen.folder / (said or f"{chosen.name}.state")


def state_beside(chosen: Chosen, name: str) -> Path:
    """Return the folder of the memory of another job, whose recipe lies beside that of a job.

    Raises:
        ConfigError: that recipe cannot be read.
    """
    path = chosen.folder / f"{name}.toml"
    if not path.is_file():
        return chosen.folder / f"{name}.state"
    other = recipes.chosen(path)
    return state_of(other, other.recipe.run.state)


def understood(chosen: Chosen, environment: Mapping[str, str]) -> Job:
    """Return the job of a recipe, with its API and its credential.

    Raises:
        ConfigError: the API is not known or not described well, or there is no credential for it.
    """
    recipe = chosen.recipe
    if recipe.lanes or recipe.lanes_file:
        raise ConfigError(f"{chosen.path}: lanes are not done yet; give each its own recipe.")
    given = recipes.environment(recipe.credentials, chosen.folder, environment)
    found = apis.found(environment.get("ROWPATCH_API") or chosen.api)
    known = variables_of(found) if isinstance(found, Description) else frozenset[str]()
    told = {name: value for name in known if (value := environment.get(apis.in_environment(name)))}
    api = apis.with_variables(found, {**recipe.set, **told})
    return Job(
        chosen,
        api,
        given,
        read_secrets(given, api.auth),
        terms.rules_of(recipe),
        terms.guards_of(recipe.guards),
        terms.quarantine_of(recipe),
        terms.run_of(recipe),
    )


def _per_cent(threshold: str | int | None) -> float:
    said = None if threshold is None else terms.threshold_of(threshold)
    return said.percent if isinstance(said, terms.Share) else 0.0
