import pytest

from jobs.apis import catalogue


def test_the_template_comes_along() -> None:
    assert "rest" in catalogue.names()
    assert list(catalogue.names()) == sorted(catalogue.names())


@pytest.mark.parametrize("name", catalogue.names())
def test_a_description_is_called_as_its_file_and_says_what_it_is_of(name: str) -> None:
    assert catalogue.description(name).name == name
    assert catalogue.about(name).endswith(".")
    assert len(catalogue.about(name)) > 10
    assert catalogue.source(name).startswith(f"# {catalogue.about(name)}\n")


def test_a_description_is_read_once() -> None:
    assert catalogue.description("rest") is catalogue.description("rest")


@pytest.mark.parametrize("name", ["nothing", "../registry", "rest.toml", ""])
def test_there_is_no_other(name: str) -> None:
    with pytest.raises(KeyError):
        catalogue.description(name)
    with pytest.raises(KeyError):
        catalogue.source(name)
