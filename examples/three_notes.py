"""A corpus of three notes: an index, an expert for each, and an answer that looks them up while it is written.

python examples/three_notes.py [PRESET]
"""

import sys

import semoe

NOTES = [
    semoe.Passage("1", "The bell of Ilmajoki was cast in 1713 by Gerhard Meyer in Stockholm.", "The bell of Ilmajoki"),
    semoe.Passage(
        "2", "The ferry Aino crosses the lake from Lappi to Harju. Pekka Saari is its captain.", "The ferry Aino"
    ),
    semoe.Passage(
        "3", "The library of Harju was founded by Liisa Korpi in 1902. It has 3,000 books.", "The library of Harju"
    ),
]


def main(preset: str = "semoe") -> None:
    """Prints the answer, and what was doubted, asked and found on its way."""
    model = semoe.load_model("smollm2")
    recipe = semoe.Recipe.of("smollm2", preset)
    store = semoe.open_store("store")
    where = semoe.index_passages(NOTES, "bm25", semoe.RetrievalConfig(index_name="notes"))
    semoe.train_experts(model, recipe, NOTES, store)

    asker = semoe.Asker(model=model, recipe=recipe, objects=store, retriever=semoe.open_retriever("bm25", where))
    how = semoe.InferenceSettings(inference_method="combine", switching=semoe.SwitchSettings(method="token"))
    asked = asker.answer("Who founded the library of Harju?", how)
    print(asked.record.text.strip())
    for switch in asked.record.trace.switches if asked.record.trace else ():
        found = ", ".join(passage.title for passage in switch.passages)
        print(f"  doubted {switch.sentence!r}, asked {switch.query!r}, found {found or 'nothing'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
