"""Which chains of thought a warm-up learns: those that come to the right answer, cut where they end."""

import pytest

from semoe.datasets.question import Question
from semoe.stages.chains import comes_to, tidy


@pytest.mark.parametrize(
    ("chain", "is_right"),
    [
        ("Ada was born in Rome. So the answer is Rome.", True),
        ("Ada was born in Rome. So the answer is the Eternal City.", True),
        ("Ada was born in Rome. So the answer is Paris.", False),
        ("Ada was born in Rome.", False),
        ("So the answer is Rome, in Italy.", True),
    ],
)
def test_a_chain_counts_if_it_closes_with_the_answer(chain: str, is_right: bool) -> None:
    asked = Question(qid="1", test_id=0, question="Where was Ada born?", answers=("Rome", "Eternal City"))
    assert comes_to(chain, asked) is is_right


def test_what_a_model_writes_behind_its_chain_is_cut_off() -> None:
    said = " Ada was born in Rome. So the answer is Rome.\nQuestion: Who was Ada?\nAnswer: nobody"
    assert tidy(said) == "Ada was born in Rome. So the answer is Rome."
    assert tidy("One step.\n\nAnother.") == "One step."
