"""The parts of the documents that are made from the program, so that they cannot rot.

A part stands between `<!-- NAME: generated -->` and `<!-- NAME: end -->`. `make fmt` writes
all of them anew.
"""

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from jobs.apis import catalogue
from jobs.apis.description.model import Description
from jobs.apis.description.scopes import key_variables, settable
from jobs.apis.description.summary import CREDENTIALS, reads
from jobs.damage import WARNINGS
from jobs.model import Status
from jobs.printable import printable
from jobs.reasons import REASONS
from jobs.recipe.model import Recipe
from jobs.toml.shape import element_of, is_list, is_model, members, words
from jobs.toml.writing import inline
from tests.docs import verdict_table
from tests.docs.documents import ROOT, read
from tests.jobs.apis.commercelayer import test_seed_pages
from tests.system.e2e.bad_input.cases import CASES, Case
from worker.checking.telling import visible
from worker.cli import run
from worker.notices.deciding import OCCASIONS
from worker.notices.metrics import METRICS
from worker.policy.lifecycle import mermaid

PAGES: Final[Mapping[str, Callable[..., None]]] = {
    "stripe_payments": test_seed_pages.test_update_a_stripe_payment,
    "transactions": test_seed_pages.test_update_a_transaction,
}
"""The test that sends each argument of the two pages, by resource type. Its cases are the lines of the table."""


def reasons() -> str:
    """One table a status: every reason code with what it means and what to do."""
    tables = []
    for status in Status:
        rows = [(f"`{code}`", r.meaning, r.action or "–") for code, r in REASONS.items() if r.status is status]
        if rows:
            tables.append(f"### {status}\n\n{_table(('Reason', 'What happened', 'What to do'), rows)}")
    return "\n\n".join(tables)


def diagram() -> str:
    return f"```mermaid\n{mermaid()}\n```"


def on_the_wire(type_name: str) -> str:
    """One line a case of the page's test: what is in the sheet, and what the program makes of it."""
    test = PAGES[type_name]
    rows = [
        (
            f"`{argument(column)}`",
            f"`{column}`",
            f"`{cell}`",
            f"`{test_seed_pages.sent(type_name, {column: cell}).body.decode()}`",
            f"`{test.__name__}[cells{case}-rest{case}]`",
        )
        for case, cells in enumerate(cases(type_name))
        for column, cell in cells.items()
    ]
    return _table(("Argument", "Column", "Cell", "Body of the request", "Test"), rows)


def cases(type_name: str) -> list[dict[str, str]]:
    """The cells that the page's test sends, case by case."""
    (mark,) = PAGES[type_name].pytestmark  # type: ignore[attr-defined]  # what `pytest.mark.parametrize` leaves
    return [cells for cells, _ in mark.args[1]]


def argument(column: str) -> str:
    """The page's argument that a column is about: `metadata` for `metadata.count:int`."""
    return column.partition(":")[0].partition(".")[0]


def verdicts() -> str:
    header = ("Observation", "Safe to repeat, attempts left", "Safe to repeat, last attempt", "Not safe to repeat")
    return _table(header, verdict_table.rows())


def described_verdicts() -> str:
    header = ("Observation", "Safe to repeat, attempts left", "Safe to repeat, last attempt", "Not safe to repeat")
    return _table(header, verdict_table.described_rows())


def special_verdicts() -> str:
    return _table(("Observation", "Verdict"), verdict_table.special_rows())


def warnings() -> str:
    """Every warning of a check with what it means and the way back."""
    rows = [(f"`{code}`", warned.meaning, warned.action) for code, warned in WARNINGS.items()]
    return _table(("Warning", "What was found", "The way back"), rows)


def bad_input() -> str:
    """What a check says of inputs with one fault each: the first finding, as `--json` gives it."""
    rows = []
    for case in CASES:
        found = first_finding(case)
        place = f"{found['address']}: {_code(found['value'])}" if found["value"] else found["address"]
        said = found["message"] or found["meaning"]
        rows.append((case.fault, f"`{found['code']}`", place, printable(said)))
    return _table(("Fault", "Code", "Where, and what is there", "What is said of it"), rows)


def first_finding(case: Case) -> dict[str, str]:
    """The first of the findings that are listed."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()) as shown:
        path = Path(folder) / case.name
        path.write_bytes(case.content)
        run(["check", str(path), "--json", *(["--type", case.type] if case.type else [])])
        found: dict[str, str] = json.loads(shown.getvalue().splitlines()[0])
    return found


def _code(text: str) -> str:
    shown = visible(text).replace("\n", " ")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"


def description_keys() -> str:
    """A section for each table of a description: its keys, with type, default and meaning."""
    return "\n\n".join(f"### {f'`{path}`' if path else 'The API'}\n\n{each}" for path, each in sections(Description))


def recipe_keys() -> str:
    """A section for each table of a recipe."""
    return "\n\n".join(f"### {f'`{path}`' if path else 'The job'}\n\n{each}" for path, each in sections(Recipe))


def sections(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield each table of a file with its place, and what its keys are."""
    for path, table in tables(model):
        rows = [
            (f"`{key}`", words(declared.annotation), default(declared), declared.description or "")
            for key, declared in table.model_fields.items()
        ]
        listed = _table(("Key", "Takes", "Default", "Meaning"), rows)
        yield path, f"{inspect.getdoc(table)}\n\n{listed}"


def tables(model: type[BaseModel] = Description) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every table of a file with its place, in the order of the keys."""
    waiting: list[tuple[str, type[BaseModel]]] = [("", model)]
    seen = set()
    while waiting:
        path, table = waiting.pop(0)
        if table in seen:
            continue
        seen.add(table)
        yield path, table
        found = []
        for key, declared in table.model_fields.items():
            for each in members(declared.annotation):
                inner = each if is_model(each) else element_of(each)
                name = "" if is_model(each) else "[]" if is_list(each) else ".NAME"
                if is_model(inner):
                    found.append((f"{path}.{key}{name}".removeprefix("."), inner))
        waiting += found


def default(declared: FieldInfo) -> str:
    if declared.is_required():
        return "required"
    value = declared.default
    return "–" if value is None or isinstance(value, BaseModel) else f"`{inline(value)}`"


def descriptions() -> str:
    """One line a description that comes along: what it is of, and what a sheet and the environment need."""
    rows = []
    for name in DESCRIBED:
        api = catalogue.description(name)
        by_key: dict[tuple[tuple[str, ...], str], list[str]] = {}
        for type_name, resource in api.resources.items():
            pages = reads(resource).partition(":")[0]
            by_key.setdefault((key_variables(api, resource), pages), []).append(type_name)
        rows.append(
            (
                f"`{name}`",
                "<br>".join(_code_list(types) for types in by_key.values()),
                "<br>".join(_code_list(keys) for keys, _ in by_key),
                "<br>".join(pages for _, pages in by_key),
                _code_list(settable(api)) or "–",
                _code_list(CREDENTIALS[api.auth.type]),
            )
        )
    return _table(("API", "Types of records", "Key columns", "Read", "Also needed", "Credential"), rows)


def descriptions_shortly() -> str:
    """One line a description that comes along."""
    rows = [(f"`{name}`", catalogue.about(name).rstrip(".")) for name in DESCRIBED]
    return _table(("`--api`", "What it is"), rows)


DESCRIBED: Final = tuple(name for name in catalogue.names() if name != "rest")
"""The descriptions that come along, but for the template."""


def _code_list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def occasions() -> str:
    """One line an occasion of a notice."""
    return _table(("`on`", "When it is due"), [(f"`{name}`", when) for name, when in OCCASIONS.items()])


def metrics() -> str:
    """One line a metric."""
    rows = [(f"`{name}`", f"`{metric.label}`" if metric.label else "", metric.help) for name, metric in METRICS.items()]
    return _table(("Metric", "Further label", "Meaning"), rows)


PARTS: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    ("docs/outcomes.md", "reasons"): reasons,
    ("docs/verdicts.md", "verdicts"): verdicts,
    ("docs/verdicts.md", "special"): special_verdicts,
    ("docs/verdicts.md", "described"): described_verdicts,
    ("docs/lifecycle.md", "diagram"): diagram,
    ("docs/input.md", "warnings"): warnings,
    ("docs/input.md", "bad-input"): bad_input,
    ("docs/describe-an-api.md", "keys"): description_keys,
    ("docs/apis.md", "descriptions"): descriptions,
    ("docs/nightly.md", "occasions"): occasions,
    ("docs/nightly.md", "recipe"): recipe_keys,
    ("docs/nightly.md", "metrics"): metrics,
    ("README.md", "descriptions"): descriptions_shortly,
    ("docs/commerce-layer.md", "stripe_payments"): partial(on_the_wire, "stripe_payments"),
    ("docs/commerce-layer.md", "transactions"): partial(on_the_wire, "transactions"),
}


def renewed(text: str, name: str, part: str) -> str:
    """The document with that part replaced.

    Raises:
        ValueError: the document does not have the two marks, once each.
    """
    marks = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- {name}: end -->)", re.DOTALL)
    new, count = marks.subn(lambda found: f"{found[1]}{part}\n{found[2]}", text)
    if count != 1:
        raise ValueError(f"{count} parts are named {name}")
    return new


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def main() -> None:
    for (document, name), part in PARTS.items():
        path = ROOT / document
        path.write_text(renewed(read(document), name, part()), encoding="utf-8")


if __name__ == "__main__":
    main()
