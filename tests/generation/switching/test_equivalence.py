"""What the methods look at while an answer is generated equals what transformers says of the finished text."""

import random
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from semoe.generation.engine import Engine
from semoe.generation.request import Answer, Request
from semoe.generation.switching.attention_shares import attention_shares
from semoe.models.decoder import Decoder
from semoe.models.model import load_decoder
from tests.tiny import tiny_model, tiny_model_folder

FAMILIES = ("llama", "qwen3", "qwen2-window", "gemma3")
LENGTHS, NEW = (1, 9, 21), 8


@pytest.fixture(params=FAMILIES)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[PreTrainedModel, Decoder]:
    return tiny_model(request.param), load_decoder(tiny_model_folder(tmp_path, request.param))


def prompts() -> list[list[int]]:
    chooser = random.Random(1)
    return [[chooser.randrange(2, 97) for _ in range(length)] for length in LENGTHS]


def answers(decoder: Decoder, *, watched: bool = True) -> list[Answer]:
    engine = Engine(decoder, None, eos_ids=frozenset(), max_rows=2)
    return engine.generate(
        [
            Request(prompt=tuple(p), max_new_tokens=NEW - n, wants_entropy=watched, wants_attention=watched)
            for n, p in enumerate(prompts())
        ]
    )


def test_entropies_are_those_of_the_distributions_that_tokens_were_taken_from(
    both: tuple[PreTrainedModel, Decoder],
) -> None:
    model, decoder = both
    for prompt, answer in zip(prompts(), answers(decoder), strict=True):
        logits_TV = model(torch.tensor([[*prompt, *answer.tokens]])).logits[0]
        probabilities_TV = logits_TV[len(prompt) - 1 : -1].softmax(-1)
        entropies_T = -(probabilities_TV * probabilities_TV.log()).sum(-1)
        assert answer.entropies == pytest.approx(entropies_T.tolist(), abs=1e-4)


def test_attention_is_the_most_that_a_later_token_gave_in_the_last_layer(
    both: tuple[PreTrainedModel, Decoder],
) -> None:
    """The last token was never a query, so nothing it looks at counts, and nothing looked at it."""
    model, decoder = both
    for prompt, answer in zip(prompts(), answers(decoder), strict=True):
        ids = torch.tensor([[*prompt, *answer.tokens[:-1]]])
        shares_HTT = model(ids, output_attentions=True).attentions[-1][0]
        own_HTT = shares_HTT[:, len(prompt) :, len(prompt) :]
        assert answer.attention[:-1] == pytest.approx(own_HTT.amax(1).mean(0).tolist(), abs=1e-5)
        assert answer.attention[-1] == 0.0


@pytest.mark.parametrize("family", [*FAMILIES, "dynamic-rope"])
def test_what_each_token_of_a_text_looks_at(tmp_path: Path, family: str) -> None:
    model, decoder = tiny_model(family), load_decoder(tiny_model_folder(tmp_path, family))
    ids = prompts()[2]
    theirs_TT = model(torch.tensor([ids]), output_attentions=True).attentions[-1][0].mean(0)
    torch.testing.assert_close(attention_shares(decoder, ids), theirs_TT, atol=1e-5, rtol=1e-4)


def test_looking_changes_no_answer_and_is_left_out_where_nobody_asks(both: tuple[PreTrainedModel, Decoder]) -> None:
    _, decoder = both
    watched, plain = answers(decoder), answers(decoder, watched=False)
    assert [one.tokens for one in watched] == [one.tokens for one in plain]
    assert [(one.entropies, one.attention) for one in plain] == [((), ())] * len(LENGTHS)
