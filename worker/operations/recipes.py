"""Recipes: read from their files, kept with their runs; the sheet and the credentials that they name."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from jobs.apis.auth import SecretName
from jobs.toml.loading import Refused
from jobs.values import valueclass
from worker.files import api_copy
from worker.files.newest import newest
from worker.files.run_directory import RECIPE
from worker.operations.apis import text_of
from worker.settings import ConfigError, Environment, variable

if TYPE_CHECKING:  # few runs have a recipe: its models wait for one that has
    from jobs.recipe.model import CredentialsRecipe, Recipe


@valueclass(frozen=True, slots=True)
class Chosen:
    """A recipe with its file.

    Attributes:
        path: of the file. `text`: of the file, as it was read.
    """

    path: Path
    text: str
    recipe: "Recipe"

    @property
    def folder(self) -> Path:
        """The folder from which its paths start."""
        return self.path.resolve().parent

    @property
    def name(self) -> str:
        """The name of the job."""
        return self.recipe.name or self.path.stem

    @property
    def api(self) -> str:
        """The API, by its name or by the path of its description; empty for the default one."""
        named = self.recipe.api
        return str(self.folder / named) if named.endswith(".toml") or "/" in named else named


def chosen(path: Path) -> Chosen:
    """Return the recipe of a file. Blocks.

    Raises:
        ConfigError: it cannot be read, or is refused; the message holds everything that is wrong with it.
    """
    text = text_of(path)
    return Chosen(path, text, _loaded(text, str(path)))


def in_order(paths: Sequence[Path]) -> list[Path]:
    """Return recipes so that each job comes behind those of its `after`, and else as they were given. Blocks.

    A recipe that cannot be read waits for nobody: its own night refuses it.

    Raises:
        ConfigError: jobs wait for each other.
    """
    found = {path: job for path in paths if (job := _readable(path)) is not None}
    waits = {path: _awaited(found[path], found) if path in found else frozenset[Path]() for path in paths}
    left, ordered = list(dict.fromkeys(paths)), list[Path]()
    while left:
        ready = next((path for path in left if waits[path].isdisjoint(left)), None)
        if ready is None:
            raise ConfigError(f"{' waits for '.join(map(str, _circle(waits, left)))}: take one out of `after`.")
        left.remove(ready)
        ordered.append(ready)
    return ordered


def _readable(path: Path) -> Chosen | None:
    try:
        return chosen(path)
    except ConfigError:
        return None


def _awaited(job: Chosen, among: Mapping[Path, Chosen]) -> frozenset[Path]:
    """Return the recipes of the jobs that a job comes after: they lie beside its own."""
    beside = ((path, each) for path, each in among.items() if each.folder == job.folder)
    return frozenset(path for path, each in beside if {path.stem, each.name} & set(job.recipe.after))


def _circle(waits: Mapping[Path, frozenset[Path]], left: Sequence[Path]) -> list[Path]:
    """Return recipes that wait for each other, the first of them once more at the end; each of `left` waits."""
    seen = [left[0]]
    while (following := next(path for path in left if path in waits[seen[-1]])) not in seen:
        seen.append(following)
    return [*seen[seen.index(following) :], following]


def source_of(job: Chosen, now: float) -> Path:
    """Return the sheet of a job: the newest that fits. Blocks.

    Args:
        job: whose recipe names it.
        now: seconds since the epoch.

    Raises:
        ConfigError: there is none, it is too old, or the recipe names none.
    """
    if not job.recipe.source:
        raise ConfigError(f"{job.path} names no `source`: add it, or name the sheet.")
    from jobs.recipe.terms import max_age_of  # noqa: PLC0415  # see above

    return newest(job.recipe.source, job.folder, now, max_age_of(job.recipe))


def keep(directory: Path, job: Chosen) -> dict[str, str]:
    """Keep a copy of the recipe in a run directory; return what the journal says of it.

    Raises:
        OSError: it cannot be written.
    """
    return {
        api_copy.RECIPE_HASH: api_copy.keep(directory, job.text, RECIPE),
        api_copy.RECIPE_PATH: str(job.path.resolve()),
    }


def keep_again(directory: Path, run: Path, facts: Mapping[str, str]) -> dict[str, str]:
    """Keep the recipe of a run with another that is made from it, for its credentials; return what the journal says.

    Args:
        directory: of the new run.
        run: directory of the old one.
        facts: of its journal.

    Raises:
        ConfigError: the copy of the recipe is missing or changed.
        OSError: it cannot be written.
    """
    if api_copy.RECIPE_HASH not in facts:
        return {}
    text = api_copy.kept(run, facts[api_copy.RECIPE_HASH], RECIPE)
    return {
        api_copy.RECIPE_HASH: api_copy.keep(directory, text, RECIPE),
        api_copy.RECIPE_PATH: facts[api_copy.RECIPE_PATH],
    }


def overruled(recipe: "CredentialsRecipe", given: Mapping[str, str]) -> str:
    """Return what to say where the environment holds a credential, and the recipe names one; else nothing.

    That of the environment counts, as all its settings do. Several jobs may see it, of which each has its own system.
    """
    names = get_args(SecretName)
    holder = next(
        (each for name in names if given.get(each := variable(name)) or given.get(each := f"{each}_FILE")), ""
    )
    if not (holder and any(getattr(recipe, f"{name}_{kind}") for name in names for kind in ("file", "env"))):
        return ""
    return f"The credential is that of {holder}, not that of the recipe's [credentials]: the environment goes first."


def environment(recipe: "CredentialsRecipe", folder: Path, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the credentials that a recipe names, unless it holds one itself.

    Args:
        recipe: names files and variables.
        folder: from which paths start.
        given: the environment.

    Raises:
        ConfigError: a variable that the recipe names is not set.
    """
    names = get_args(SecretName)
    if any(given.get(variable(name)) or given.get(f"{variable(name)}_FILE") for name in names):
        return given
    found: dict[str, str] = {}
    for name in names:
        if path := getattr(recipe, f"{name}_file"):
            found[f"{variable(name)}_FILE"] = str(folder / path)
        if named := getattr(recipe, f"{name}_env"):
            if not given.get(named):
                raise ConfigError(f"{named} is not set: the recipe says that it holds the {name.replace('_', ' ')}.")
            found[variable(name)] = given[named]
    return Environment({**given, **found})


def environment_of_run(directory: Path, facts: Mapping[str, str], given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment with the credentials that the recipe of a run names. Blocks.

    Args:
        directory: of the run.
        facts: of its journal.
        given: the environment.

    Raises:
        ConfigError: the copy of the recipe is missing or changed, or a variable that it names is not set.
    """
    if api_copy.RECIPE_HASH not in facts:
        return given
    text = api_copy.kept(directory, facts[api_copy.RECIPE_HASH], RECIPE)
    return environment(
        _loaded(text, str(directory / RECIPE)).credentials, Path(facts[api_copy.RECIPE_PATH]).parent, given
    )


def _loaded(text: str, origin: str) -> "Recipe":
    from jobs.recipe.loading import load  # noqa: PLC0415  # see above

    try:
        return load(text, origin)
    except Refused as error:
        raise ConfigError(f"{error}") from None
