"""A corpus that cannot be cut becomes pieces: the same passages, whatever stopped it on the way."""

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest

from semoe.cli.app import run
from semoe.errors import UsageError
from semoe.stages.corpus import open_corpus
from semoe.stages.corpus_range import CorpusFile
from semoe.stages.cut_corpus import CutReport, cut_corpus
from semoe.store.objects import FolderObjects
from semoe.store.objects.s3 import S3Objects
from tests.demo import PASSAGES
from tests.stages.corpora import WAYS, sequential, some_passages, write


def packed(folder: Path) -> Path:
    path = folder / "psgs.tsv.gz"
    path.write_bytes(gzip.compress(PASSAGES.read_bytes()))
    return path


def cut(corpus: Path | str, place: Path | str, piece_bytes: int = 20_000) -> CutReport:
    return cut_corpus(open_corpus(str(corpus)), str(place), piece_bytes)


@pytest.mark.parametrize("way", WAYS)
def test_pieces_are_the_corpus(tmp_path: Path, way: str) -> None:
    made = some_passages(0, 40)
    write(tmp_path / f"c.{way}", made)
    report = cut(tmp_path / f"c.{way}", tmp_path / "pieces", 5000)
    assert (report.passages, report.already_there) == (40, 0)
    sizes = [path.stat().st_size for path in sorted((tmp_path / "pieces").glob("part-*.jsonl"))]
    assert len(sizes) == report.pieces > 5
    assert max(sizes) <= 5000
    assert all(sum(two) > 5000 for two in pairwise(sizes)), "none is smaller than it must be"
    assert sequential(tmp_path / "pieces") == made
    assert CorpusFile.of(str(tmp_path / "pieces")).size == sum(sizes)


def test_a_cutting_that_was_stopped_is_no_corpus_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, place = packed(tmp_path), tmp_path / "pieces"
    put = FolderObjects.put
    names: list[str] = []

    def stopping(self: FolderObjects, name: str, *data: bytes) -> None:
        if len(names) == 3:
            raise KeyboardInterrupt
        put(self, name, *data)
        names.append(name)

    monkeypatch.setattr(FolderObjects, "put", stopping)
    with pytest.raises(KeyboardInterrupt):
        cut(source, place)
    with pytest.raises(UsageError, match=r"is half of a corpus.*The same `semoe cut` goes on"):
        sequential(place)
    monkeypatch.setattr(FolderObjects, "put", put)
    with pytest.raises(UsageError, match=r"pieces of another corpus, or of another size"):
        cut(source, place, 50_000)
    report = cut(source, place)
    assert report.already_there == 2
    assert report.passages == 300
    assert sequential(place) == sequential(source)
    again = cut(source, place)
    assert (again.already_there, again.pieces, again.passages) == (report.pieces, report.pieces, 300)


def test_pieces_that_vanished_or_joined_are_named(tmp_path: Path) -> None:
    source, place = packed(tmp_path), tmp_path / "pieces"
    cut(source, place)
    whole = (place / "part-000002.jsonl").read_bytes()
    (place / "part-000002.jsonl").unlink()
    with pytest.raises(UsageError, match=r"part-000002\.jsonl is missing. Cut it again"):
        sequential(place)
    cut(source, place)
    assert (place / "part-000002.jsonl").read_bytes() == whole
    (place / "zz.jsonl").write_text('{"id": 1, "text": "x"}\n')
    with pytest.raises(UsageError, match=r"zz\.jsonl is no piece of it"):
        sequential(place)


def test_a_place_with_other_things_is_left_alone(tmp_path: Path) -> None:
    source = packed(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match=r"is not empty: it holds mine\.txt"):
        cut(source, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "broken.tsv").write_text("id\ttext\ttitle\n1\ta\tb\n2\tonly two\n")
    with pytest.raises(UsageError, match=r"broken\.tsv, line 3"):
        cut(tmp_path / "broken.tsv", tmp_path / "half")
    with pytest.raises(UsageError, match="half of a corpus"):
        sequential(tmp_path / "half")


def test_the_verb_cuts_into_s3_and_a_run_plans_it(
    small_root: Path,
    tmp_path: Path,
    s3_objects: S3Objects,
    s3_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable, value in s3_environment.items():
        monkeypatch.setenv(variable, value)
    source = packed(tmp_path)
    plan = [
        "plan",
        "--run",
        "w",
        "--model_name",
        str(small_root / "tiny"),
        "--store",
        str(tmp_path / "store"),
        "--corpus",
    ]
    assert run([*plan, str(source)]) == 2
    assert f"semoe cut --corpus {source} --to PLACE" in " ".join(capsys.readouterr().err.split())
    assert run(["cut", "--corpus", str(source), "--to", f"{s3_objects.url}/pieces", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["passages"], told["pieces"], told["already_there"]) == (300, 1, 0)
    assert run([*plan, told["corpus"], "--shards", "4"]) == 0
    assert "4 of passages" in capsys.readouterr().out
