"""Makes the demo's data: questions in file order whose passages are in the corpus, and some hundred passages.

python scripts/make_demo_data.py --corpus psgs_w100.tsv --popqa popQA.tsv --twowiki dev.json --out semoe/demo_data
"""

import argparse
import csv
import json
import tempfile
from pathlib import Path
from typing import Any

from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.dpr import read_passages
from semoe.retrieval.passage import Passage

NUM_POPQA = 8
NUM_TWOWIKI = 4
NUM_PASSAGES = 300
DISTRACTORS = 10
"""Passages that BM25 finds for each question: without them a search would be too easy."""


def main() -> None:
    """Writes passages.tsv, popqa/popQA.tsv, and dev.json and id_aliases.json of 2wikimultihopqa."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("corpus", "popqa", "twowiki", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    corpus = list(read_passages(options.corpus))
    titles = {passage.title for passage in corpus}
    header, popqa = choose_popqa(options.popqa, titles)
    twowiki = choose_twowiki(options.twowiki, titles)
    write_tsv(options.out / "popqa" / "popQA.tsv", header, popqa)
    (options.out / "2wikimultihopqa").mkdir(parents=True, exist_ok=True)
    text = json.dumps(twowiki, ensure_ascii=False, indent=1)
    (options.out / "2wikimultihopqa" / "dev.json").write_text(text + "\n", encoding="utf-8")
    lines = choose_aliases(options.twowiki.with_name("id_aliases.json"), twowiki)
    (options.out / "2wikimultihopqa" / "id_aliases.json").write_text("".join(lines), encoding="utf-8")
    wanted = {row["s_wiki_title"] for row in popqa} | {title for r in twowiki for title, _ in r["supporting_facts"]}
    questions = [row["question"] for row in popqa] + [record["question"] for record in twowiki]
    rows = [{"id": p.id, "text": p.text, "title": p.title} for p in choose_passages(corpus, wanted, questions)]
    write_tsv(options.out / "passages.tsv", ["id", "text", "title"], rows)


def choose_popqa(path: Path, titles: set[str]) -> tuple[list[str], list[dict[str, Any]]]:
    """The first questions whose subject has a passage."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        chosen = [row for row in rows if row["s_wiki_title"] in titles]
        return list(rows.fieldnames or ()), chosen[:NUM_POPQA]


def choose_twowiki(path: Path, titles: set[str]) -> list[dict[str, Any]]:
    """The first questions all of whose supporting passages are there; other context is left out for size."""
    records = json.loads(path.read_text(encoding="utf-8"))
    chosen = [r for r in records if all(title in titles for title, _ in r["supporting_facts"])][:NUM_TWOWIKI]
    for record in chosen:
        gold = {title for title, _ in record["supporting_facts"]}
        record["context"] = [item for item in record["context"] if item[0] in gold]
    return chosen


def choose_aliases(path: Path, records: list[dict[str, Any]]) -> list[str]:
    """The lines of the alias file, which lies beside the questions, that belong to the chosen answers."""
    answers = {record["answer_id"] for record in records}
    with path.open(encoding="utf-8") as lines:
        return [line for line in lines if json.loads(line)["Q_id"] in answers]


def choose_passages(corpus: list[Passage], wanted: set[str], questions: list[str]) -> list[Passage]:
    """Passages of the wanted titles, what BM25 finds for the questions, and the corpus's first ones."""
    with tempfile.TemporaryDirectory() as folder:
        build_index(corpus, Path(folder) / "index")
        found = Bm25Retriever(Path(folder) / "index").search(questions, DISTRACTORS)
    ids = {p.id for p in corpus if p.title in wanted} | {hit.passage.id for hits in found for hit in hits}
    others = [p.id for p in corpus if p.id not in ids][: max(0, NUM_PASSAGES - len(ids))]
    ids |= set(others)
    return [passage for passage in corpus if passage.id in ids]


def write_tsv(path: Path, header: list[str], rows: list[dict[str, Any]]) -> None:
    """Writes CSV-quoted, tab-separated rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
