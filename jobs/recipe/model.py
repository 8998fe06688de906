"""A recipe as values: every key that its file may have, its meaning and its default.

The shape only. What a text in it may say (a percentage, a duration, a form of dates) is checked by `checking`;
`loading` reads a file. `terms` holds what the texts mean, for the rest of the program.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from pydantic import Field

from jobs.agreement.model import Drift
from jobs.recipe.view_model import ColumnRecipe, Empty, Part, Scalar, ViewRecipe

Limit: TypeAlias = str | int
"""A share such as `30%`, a number of records, or `off`."""

Occasion = Literal["ok", "failed", "partial", "guard", "drift", "recovered"]


class InputRecipe(Part):
    """How the sheet is read, as by the flags of `apply`."""

    format: str = Field("", description="Format; default: by the file's name.")
    encoding: str = Field("", description="Encoding: `cp1252`; default: byte-order mark, else strict UTF-8.")
    delimiter: str = Field("", description="Cell separator; default: the one by which the header has the key.")
    header_row: int | None = Field(
        None, ge=1, description="Line, or row of a workbook, that names the columns; default: the first."
    )
    sheet: str = Field("", description="Sheet of a workbook; default: the only visible one with cells.")
    visible_only: bool = Field(False, description="Leave out what a workbook hides.")
    clear_token: str = Field("<clear>", min_length=1, description="Text of a cell that clears the field.")
    max_age: str = Field("", description="Refuse a source that was last written longer ago: `26h`; units m, h, d.")


class RulesRecipe(Part):
    """What to do where sheet and record disagree."""

    drift: Drift = Field(
        "report",
        description="A field that somebody else changed: leave it and `report` it, `overwrite` it, or `keep` theirs.",
    )
    empty: Empty = Field("keep", description="An empty cell says nothing (`keep`), or clears what this job had set.")
    missing: Literal["report", "clear", "ignore"] = Field(
        "report", description="A record whose row is gone: `report` it, `clear` what this job had set, or `ignore` it."
    )
    reread: int = Field(1, ge=1, description="Every record is read at least each so many nights.")


class GuardsRecipe(Part):
    """What stops a night before anything is sent. A share (`20%`), a number of records, or `off`."""

    mode: Literal["", "test", "live"] = Field(
        "", description="Mode that the credential must have. `live` stands for `--yes`."
    )
    floor: int = Field(10, ge=0, description="A share trips only beyond so many records.")
    rows_shrink: Limit = Field("20%", description="Rows fewer than in the largest of the last 7 accepted nights.")
    changed: Limit = Field("30%", description="Records that would change.")
    changed_rows: Limit = Field(1000, description="Records that would change; trips by itself, whatever the floor.")
    overwritten: Limit = Field("1%", description="Records in which somebody else's edit would be overwritten.")
    emptied: Limit = Field("5%", description="Cells of a column that were filled and are empty now.")
    gone: Limit = Field("10%", description="Records whose rows are gone.")
    invalid: Limit = Field("5%", description="Rows that are invalid, or whose record is not found.")
    moved: Mapping[str, Limit] = Field(
        {}, description="By field with numbers: how far its value may move on one record in one night, in per cent."
    )


class QuarantineRecipe(Part):
    """Rows that fail night after night are set aside."""

    after: int = Field(3, ge=1, description="Nights after which a row that fails for one cause is set aside.")
    again: int = Field(7, ge=0, description="Nights after which it is tried again; 0: never.")
    max: Limit = Field("1%", description="More of them make the exit status 1.")


class RunRecipe(Part):
    """How a night runs."""

    deadline: str = Field(
        "", description="Time of day, local, at which it stops: `06:00`; the next one after its start."
    )
    keep: int = Field(30, ge=1, description="Nights to keep, with what came between them.")
    rate: str = Field("", description="As `--rate`: `50/10s`.")
    concurrency: int | None = Field(None, ge=1, le=1000, description="As `--concurrency`.")
    stop_after: Limit | None = Field(None, description="As `--stop-after`: `5%`, or a number of rows.")
    state: str = Field("", description="Folder of the job's memory; default: `NAME.state` beside the recipe.")


class CredentialsRecipe(Part):
    """Where credentials stand: the name of a file, or of a variable of the environment. Never a secret itself."""

    token_file: str = Field("", description="File with the token.")
    token_env: str = Field("", description="Variable with the token.")
    client_id_file: str = Field("", description="File with the client id.")
    client_id_env: str = Field("", description="Variable with the client id.")
    client_secret_file: str = Field("", description="File with the client secret.")
    client_secret_env: str = Field("", description="Variable with the client secret.")
    username_file: str = Field("", description="File with the user name.")
    username_env: str = Field("", description="Variable with the user name.")
    password_file: str = Field("", description="File with the password.")
    password_env: str = Field("", description="Variable with the password.")
    api_key_file: str = Field("", description="File with the API key.")
    api_key_env: str = Field("", description="Variable with the API key.")


class NotifyRecipe(Part):
    """Who is told of a night: a command, or a webhook, whose address is a secret."""

    command: tuple[str, ...] = Field((), description="Program and arguments; it gets the digest as JSON on its input.")
    url_file: str = Field("", description="File with the address of a webhook.")
    url_env: str = Field("", description="Variable with the address of a webhook.")
    style: Literal["json", "text"] = Field(
        "json", description="What a webhook gets: the digest, or one text for a chat."
    )
    on: tuple[Occasion, ...] = Field(
        ("failed", "partial", "guard", "drift", "recovered"), description="Outcomes to tell."
    )
    threshold: Limit | None = Field(None, description="Tell `partial` and `drift` only beyond: `1%`, or so many rows.")


class LaneRecipe(CredentialsRecipe):
    """An independent quota beside others: an account, an address, a way out."""

    name: str = Field(min_length=1, description="Its name, in reports.")
    url: str = Field("", description="Base URL; default: that of the recipe.")
    source_address: str = Field("", description="Local address that its requests leave from.")
    rate: str = Field("", description="As `rate` of `[run]`.")
    concurrency: int | None = Field(None, ge=1, le=1000, description="As `concurrency` of `[run]`.")
    quota: str = Field("", description="Lanes with one name share a limiter; default: host, credential, egress.")
    where: Mapping[str, tuple[str, ...]] = Field({}, description="The rows it takes, by what their cells say.")
    ray: Mapping[str, int | float] = Field({}, description="Placement, with the engine `ray`: resources by name.")
    set: Mapping[str, str] = Field({}, description="As `set` of the recipe.")
    guards: GuardsRecipe | None = Field(None, description="Guards of its own.")


class Recipe(Part):
    """A job."""

    name: str = Field(
        "", pattern="^[A-Za-z0-9_-]*$", description="Its name, in messages and folders; default: the file's stem."
    )
    source: str = Field(
        "", description="The sheet, or a pattern of which the newest match counts: `exports/ART_*.csv`."
    )
    api: str = Field("", description="The API, or the file of a description; default: `commercelayer`.")
    url: str = Field("", description="Base URL of the API.")
    type: str = Field("", description="Type of the records of rows without one.")
    key: str | tuple[str, ...] = Field(
        "id", description="Fields of the record that say which one is meant; never set: `reference`, or a list."
    )
    set: Mapping[str, str] = Field({}, description="Variables of the API's description.")
    after: tuple[str, ...] = Field((), description="Jobs that must have ended well since the last night of this one.")
    ignore: tuple[str, ...] = Field((), description="Columns of the sheet to leave out; only without `[columns]`.")
    lanes_file: str = Field("", description="CSV file with a line per lane; its columns are the keys of `[[lanes]]`.")
    input: InputRecipe = Field(InputRecipe(), description="How the sheet is read.")
    columns: Mapping[str, str | ColumnRecipe] = Field(
        {}, description="Column of the sheet by field of the record; names with dots in quotes."
    )
    constants: Mapping[str, Scalar] = Field({}, description="Fields that get one value in every row.")
    filter: Mapping[str, tuple[str, ...]] = Field(
        {}, description="Rows to take, by what their cells say; the others are skipped, and never gone."
    )
    rules: RulesRecipe = Field(RulesRecipe(), description="What to do where sheet and record disagree.")
    guards: GuardsRecipe = Field(GuardsRecipe(), description="What stops a night.")
    quarantine: QuarantineRecipe = Field(QuarantineRecipe(), description="What becomes of rows that keep failing.")
    run: RunRecipe = Field(RunRecipe(), description="How a night runs.")
    notify: tuple[NotifyRecipe, ...] = Field((), description="Who is told.")
    credentials: CredentialsRecipe = Field(CredentialsRecipe(), description="Where credentials stand.")
    lanes: tuple[LaneRecipe, ...] = Field((), description="Independent quotas side by side; default: one.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields that say which record is meant, in their order."""
        return (self.key,) if isinstance(self.key, str) else self.key

    @property
    def view(self) -> ViewRecipe:
        """What it makes of columns and rows."""
        return ViewRecipe(
            key=self.key,
            columns=self.columns,
            constants=self.constants,
            ignore=self.ignore,
            filter=self.filter,
            empty=self.rules.empty,
        )
