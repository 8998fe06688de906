"""Every piece of a description in the documents is one that `apis check` accepts."""

import pytest

from jobs.apis.description.loading import examine
from tests.docs.documents import DOCUMENTS, blocks, read

PIECES = [
    pytest.param(block.text, id=f"{document}-{number}")
    for document in DOCUMENTS
    for number, block in enumerate(blocks(read(document)))
    if block.info == ("toml",)
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_of_a_description_is_right_within_a_whole_one(piece: str) -> None:
    begun = "" if "\nname = " in f"\n{piece}" else 'name = "x"\n'
    ended = "" if "[resources." in piece else '[resources.x]\npath = "/{base}/{id}"\n'
    problems = examine(begun + piece + ended).problems
    assert [f"{each.key}: {each.text}" for each in problems if not each.is_warning] == []
