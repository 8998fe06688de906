"""The reading of documents, without which a broken document would pass as a good one."""

import pytest

from tests.docs.documents import Step, anchors, as_pattern, blocks, links, steps


def test_a_block_has_its_info_words_and_its_text() -> None:
    found = blocks("a\n```csv x.csv\nid,y\n```\nb\n```console\n$ ls\n```\n")
    assert [(block.info, block.text) for block in found] == [(("csv", "x.csv"), "id,y\n"), (("console",), "$ ls\n")]


def test_steps_are_commands_with_the_output_below_them() -> None:
    assert steps("$ one \\\n    two\nout\n\nmore\n$ three\n") == [
        Step("one \\\n    two", "out\n\nmore"),
        Step("three", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("a", "a\n", True),
        ("a", "b\n", False),
        ("a", "a\nb\n", False),  # output that the document hides
        ("a\nb", "a\n", False),  # output that never came
        ("a...c", "abbbc\n", True),
        ("a...c", "ab\nbc\n", False),  # dots within a line stay within it
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...\nd", "a\nd\n", True),
        ("a\n...\nd", "a\nb\n", False),
        ("...", "anything\nat all\n", True),
        ("a.b", "axb\n", False),  # one dot is a dot
        ("", "", True),
        ("", "noise\n", False),
    ],
)
def test_shown_output_is_matched_line_by_line(shown: str, output: str, same: bool) -> None:
    assert bool(as_pattern(shown).fullmatch(output)) is same


def test_links_inside_blocks_are_not_links() -> None:
    assert list(links("[a](b.md)\n```text\n[c](d.md)\n```\n")) == ["b.md"]


def test_anchors_are_those_that_github_makes() -> None:
    assert anchors("# What is guaranteed, and what is not (yet)\n") == {"what-is-guaranteed-and-what-is-not-yet"}
