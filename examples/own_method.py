"""A method of your own: it looks things up where the model wrote a number without being sure of it.

python examples/own_method.py
"""

import math
from typing import ClassVar

import semoe

SURE = 0.8
NOTES = [
    semoe.Passage("1", "The bell of Ilmajoki was cast in 1713 by Gerhard Meyer in Stockholm.", "The bell of Ilmajoki")
]


@semoe.methods.register("unsure-numbers")
class UnsureNumbers(semoe.OneGo):
    """Doubts the first sentence with a number whose digits had a probability below `SURE`."""

    # A sentence may be judged as soon as it has ended, whatever is written behind it.
    reviews_sentences = True
    # Asks with the question and what is accepted.
    formulations: ClassVar[tuple[str, ...]] = ("forward_all",)

    def review(self, draft: semoe.Draft, trusted: int) -> semoe.Doubt | None:
        """Is asked whenever a sentence has ended; the first `trusted` characters are accepted already."""
        for sentence in draft.sentences:
            digits = [n for n in draft.tokens_in(sentence) if any(map(str.isdigit, draft.tokens[n].of(draft.text)))]
            p = min((math.exp(draft.logprobs[n]) for n in digits), default=1.0)
            if sentence.end > trusted and p < SURE:
                return semoe.Doubt(keep=sentence.start, sentence=sentence, value=1 - p)
        return None


def main() -> None:
    """Prints what was doubted, what was found, and the answer that came of it."""
    where = semoe.index_passages(NOTES, "bm25", semoe.RetrievalConfig())
    asker = semoe.Asker(
        model=semoe.load_model("smollm2"),
        recipe=semoe.Recipe.of("smollm2"),
        retriever=semoe.open_retriever("bm25", where),
    )
    switching = semoe.SwitchSettings(method="unsure-numbers", query_formulation="forward_all")
    how = semoe.InferenceSettings(inference_method="icl", switching=switching)
    asked = asker.answer("In which year was the bell of Ilmajoki cast?", how)
    for switch in asked.record.trace.switches if asked.record.trace else ():
        print(f"doubted {switch.sentence!r}, found {[passage.title for passage in switch.passages]}")
    print(asked.record.text.strip())


if __name__ == "__main__":
    main()
