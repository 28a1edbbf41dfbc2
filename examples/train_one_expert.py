"""Trains the expert of one passage, and answers a question about it without and with that expert.

python examples/train_one_expert.py [PRESET]     semoe by default; any TOML file of a recipe
"""

import sys

import semoe

PASSAGE = semoe.Passage(
    id="1",
    title="The bell of Ilmajoki",
    text="The bell of Ilmajoki was cast in 1713 by Gerhard Meyer in Stockholm. Anna Kivela repaired the bell in 1924.",
)
QUESTION = "Where was the bell of Ilmajoki cast?"


def main(preset: str = "semoe") -> None:
    """Prints both answers, with the probability that the model gave their least probable word."""
    model = semoe.load_model("smollm2")
    recipe = semoe.Recipe.of("smollm2", preset)
    store = semoe.open_store("store")
    made = semoe.train_experts(model, recipe, [PASSAGE], store)
    print(f"{made.published.trained.num_experts} trained, {made.num_found} were there")

    where = semoe.index_passages([PASSAGE], "bm25", semoe.RetrievalConfig())
    asker = semoe.Asker(model=model, recipe=recipe, objects=store, retriever=semoe.open_retriever("bm25", where))
    for way in ("none", "prag"):
        asked = asker.answer(QUESTION, semoe.InferenceSettings(inference_method=way))
        print(
            f"{way}: {asked.record.predicted!r}, at least {min(word.p for word in asked.words):.2f} sure of each word"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
