"""The sheet of a recipe: the newest file that fits its pattern, unless that is too old."""

from pathlib import Path

from worker.settings import ConfigError

_HOUR = 3600.0
_SHOWN_IN_DAYS = 48 * _HOUR


def newest(pattern: str, folder: Path, now: float, max_age: float | None = None) -> Path:
    """Return the file that was written last among those that fit.

    Args:
        pattern: a path, relative to `folder` unless it is absolute; `*`, `?` and `[…]` stand for parts of names.
        folder: of the recipe.
        now: seconds since the epoch.
        max_age: seconds beyond which it is refused; None for any age.

    Raises:
        ConfigError: none fits, or the newest is too old: the export did not run.
    """
    path = folder / pattern
    base = Path(path.anchor)
    try:
        files = (
            [path] if path.is_file() else [each for each in base.glob(str(path.relative_to(base))) if each.is_file()]
        )
        written = {each: each.stat().st_mtime for each in files}
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot look for {path}: {error}.") from None
    if not written:
        raise ConfigError(f"There is no {path}: the export did not run, or writes elsewhere.")
    found = max(sorted(written), key=written.__getitem__)
    age = now - written[found]
    if max_age is not None and age > max_age:
        raise ConfigError(
            f"{found} was written {_in_words(age)} ago, and the recipe takes none older than {_in_words(max_age)}:"
            " the export did not run. To use it all the same, name it as SOURCE."
        )
    return found


def _in_words(seconds: float) -> str:
    if seconds >= _SHOWN_IN_DAYS:
        return f"{seconds / (24 * _HOUR):.0f} days"
    return f"{seconds / _HOUR:.1f} hours" if seconds >= _HOUR else f"{seconds / 60:.0f} minutes"
