"""Experts of a hundred real passages, trained on CPU and GPU in float32, give the same answers."""

import pytest
from torch import Tensor

from benchmarks.timing import PASSAGES
from semoe.augment.parse import load_parser, question_answers
from semoe.datasets.augmented import AugmentedPassage
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import load_preset
from semoe.experts.roads import road_for
from semoe.experts.sequences import bounded, whole_sequences
from semoe.experts.training import train_experts
from semoe.models.decoder import Decoder
from semoe.models.model import load_model
from semoe.prompts.rendering import TrainingSequence, prompt_ids
from semoe.prompts.template import load_template
from semoe.retrieval.dpr import read_passages
from tests.gpu.answers import answers_of, clear_differences

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(3000)]
NUM_PASSAGES = 100


def test_experts_of_a_hundred_passages_answer_alike() -> None:
    preset = load_preset("semoe")
    model = load_model("smollm2", device="cpu")
    on_gpu = load_model("smollm2", device="cuda")
    layout = ExpertLayout(model.decoder.config, preset.lora)
    template = load_template(preset.sequences.template)
    sequences = list[list[TrainingSequence]]()
    prompts = list[list[int]]()
    parser = load_parser()
    for passage in read_passages(PASSAGES):
        pairs = question_answers(parser, passage.title, passage.text, max_pairs=preset.augmentation.max_pairs)
        if len(pairs) >= 3 and len(prompts) < NUM_PASSAGES:
            rewrite = " ".join(pair.full_answer for pair in pairs) + passage.text
            made = AugmentedPassage(pid=0, passage=passage.text, title=passage.title, rewrite=rewrite, qa=pairs)
            sequences.append(bounded(whole_sequences(model.tokenizer, made, preset.sequences)))
            prompts.append(prompt_ids(model.tokenizer, template, pairs[0].question))
    assert len(prompts) == NUM_PASSAGES

    def trained(decoder: Decoder) -> list[Tensor]:
        road = road_for(decoder, layout, base_weight(layout), preset.training)
        found = sorted(train_experts(road, preset.training, sequences), key=lambda one: one.index)
        return [one.flat_N for one in found]

    ends = frozenset(model.tokenizer.eos_ids)
    theirs = answers_of(model.decoder, layout, trained(model.decoder), prompts, ends)
    experts = trained(on_gpu.decoder)
    ours = answers_of(on_gpu.decoder, layout, experts, prompts, ends)
    assert clear_differences(on_gpu.decoder, layout, experts, prompts, ours, theirs) == []
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) <= NUM_PASSAGES // 100
