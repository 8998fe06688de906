"""APIs by name, and descriptions in files: found, or refused with what to do."""

from pathlib import Path

import pytest

from jobs.apis import catalogue
from jobs.apis.registry import DEFAULT
from worker.operations.apis import found
from worker.operations.descriptions import checked, listed, source
from worker.settings import ConfigError

TEXT = 'name = "x"\n[resources.t]\npath = "/t/{id}"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_everything_that_has_a_name_is_listed_by_it() -> None:
    names = [each.name for each in listed()]
    assert names == [DEFAULT, *(name for name in catalogue.names() if name != DEFAULT)]
    assert len(listed()[0].resources) == 114
    rest = next(each for each in listed() if each.name == "rest")
    assert (rest.resources, rest.about) == (("items",), catalogue.about("rest"))


def test_a_description_is_found_by_its_name_or_in_a_file(file: Path) -> None:
    assert found("rest") is catalogue.description("rest")
    assert found(str(file)).name == "x"
    assert source(str(file)) == TEXT
    assert source("rest") == catalogue.source("rest")


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("reest", "did you mean rest?"),
        ("zzz", "there are commercelayer, airtable, "),
        ("nowhere.toml", "Cannot read nowhere.toml: No such file or directory."),
        ("./nowhere", "Cannot read nowhere: No such file or directory."),
    ],
)
def test_what_there_is_not_is_refused_with_what_to_do(which: str, says: str) -> None:
    for find in (found, source):
        with pytest.raises(ConfigError) as refused:
            find(which)
        assert says in str(refused.value)


def test_a_file_that_is_refused_is_refused_with_all_its_problems(file: Path) -> None:
    file.write_text(f"nme = 1\n{TEXT}pth = 1\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        found(str(file))
    assert str(refused.value).splitlines() == [
        f"{file}:1: nme: there is no such key; did you mean `name`?",
        f"{file}:5: resources.t.pth: there is no such key; did you mean `path`?",
    ]
    assert [each.line for each in checked(file).errors] == [1, 5]


def test_a_file_in_another_encoding_is_refused(file: Path) -> None:
    file.write_bytes(b"name = 'x'\nverified = 'M\xfcller'\n")
    with pytest.raises(ConfigError, match=r"my\.toml: it is not UTF-8 text"):
        checked(file)


def test_a_file_that_is_far_too_large_is_no_description(file: Path) -> None:
    file.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="too large"):
        checked(file)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Cannot read"):
        checked(tmp_path)
