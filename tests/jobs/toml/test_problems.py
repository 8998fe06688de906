import pytest

from jobs.toml.problems import Path, Problem, dotted, value_at


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ((), ""),
        (("name",), "name"),
        (("resources", "t", "fields", "/a.b", "type"), 'resources.t.fields."/a.b".type'),
        (("resources", "t", "fields", "*"), "resources.t.fields.*"),
        (("error_rules", 0, "status", 1), "error_rules[0].status[1]"),
        (("headers", ""), 'headers.""'),
    ],
)
def test_a_path_is_written_as_people_write_it(path: Path, key: str) -> None:
    assert dotted(path) == key
    assert Problem(path, "").key == key


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (Problem(("a",), "do this", line=3), "f.toml:3: a: do this"),
        (Problem(("a",), "look", is_warning=True, line=3), "f.toml:3: a: warning: look"),
        (Problem((), "do this"), "f.toml: do this"),
        (Problem(("\x1b[2J\n",), "do"), 'f.toml: "\\x1b[2J ": do'),
    ],
)
def test_a_problem_is_one_harmless_line(problem: Problem, said: str) -> None:
    assert problem.said("f.toml") == said


def test_a_value_is_found_at_its_path() -> None:
    data = {"a": [{"b": 1}]}
    assert value_at(data, ("a", 0, "b")) == 1
    with pytest.raises(LookupError):
        value_at(data, ("a", 1))
