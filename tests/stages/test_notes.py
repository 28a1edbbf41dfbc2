"""A text of one's own as passages: whole sentences, about a hundred words, under their headings; nothing lost."""

from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.language import Language
from semoe.retrieval.passage import Passage
from semoe.stages.notes import cut_notes, read_notes

LANGUAGE = Language()


def cut(text: str) -> list[Passage]:
    return list(cut_notes(text, "notes", LANGUAGE))


def test_headings_become_titles_and_the_file_names_what_stands_before_them() -> None:
    found = cut(
        "It rains.\n\n# Bells #\nOne bell fell. It broke.\n## Ferries\n\nA ferry sank.\r\n\r\nIt rose.\n# Empty\n"
    )
    assert [(one.title, one.text) for one in found] == [
        ("notes", "It rains."), ("Bells", "One bell fell. It broke."), ("Ferries", "A ferry sank. It rose."),
    ]  # fmt: skip
    assert len({one.id for one in found}) == 3


@pytest.mark.parametrize("stop", [".", "!", "?"])
def test_a_long_text_is_cut_at_the_ends_of_sentences(stop: str) -> None:
    text = " ".join(f"The cat number {number} sat on the mat of the house{stop}" for number in range(60))
    found = cut(text)
    assert " ".join(one.text for one in found) == text
    assert all(one.text.endswith(stop) and 80 <= len(one.text.split()) <= 100 for one in found[:-1])


def test_what_has_no_stops_is_cut_after_a_hundred_words() -> None:
    words = [f"w{number}" for number in range(350)]
    found = cut(" ".join(words))
    assert " ".join(one.text for one in found).split() == words
    assert max(len(one.text.split()) for one in found) <= 100


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe\x00", "not UTF-8"), (b"# Title\n", "no sentence")],
)
def test_a_file_without_text_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(data)
    with pytest.raises(UsageError, match=said):
        read_notes([tmp_path / "notes.txt"], LANGUAGE)


def test_a_mark_of_the_order_of_bytes_is_no_word(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf# Bells\nOne fell.")
    (tmp_path / "b.txt").write_text("Two rose.")
    found = read_notes([tmp_path / "a.txt", tmp_path / "b.txt"], LANGUAGE)
    assert [(one.title, one.text) for one in found] == [("Bells", "One fell."), ("b", "Two rose.")]
