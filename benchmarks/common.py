"""What both benchmarks share: the model, real sequences, PEFT's side, and the rate of plain matrix products."""

from collections.abc import Sequence

import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from torch import Tensor
from transformers import AutoModelForCausalLM

from benchmarks.timing import PASSAGES, best_seconds
from semoe.augment.parse import load_parser, question_answers
from semoe.datasets.augmented import AugmentedPassage
from semoe.experts.layout import ExpertLayout
from semoe.experts.preset import Preset, load_preset
from semoe.experts.sequences import bounded, whole_sequences
from semoe.models.decoder import Decoder
from semoe.models.model import Model, load_model
from semoe.models.sites import projection_shapes
from semoe.prompts.rendering import TrainingSequence
from semoe.retrieval.dpr import read_passages


def setting() -> tuple[Model, ExpertLayout]:
    """Loads SmolLM2 and its expert layout."""
    model = load_model("smollm2")
    return model, ExpertLayout(model.decoder.config, load_preset("semoe").lora)


def real_sequences(model: Model, preset: Preset, count: int) -> list[list[TrainingSequence]]:
    """Returns the sequences of the first `count` demo passages that have three pairs."""
    parser = load_parser()
    made: list[list[TrainingSequence]] = []
    for passage in read_passages(PASSAGES):
        qa = question_answers(parser, passage.title, passage.text, max_pairs=preset.augmentation.max_pairs)
        if len(qa) < 3:
            continue
        rewrite = " ".join(pair.full_answer for pair in qa) + passage.text
        augmented = AugmentedPassage(pid=0, passage=passage.text, title=passage.title, rewrite=rewrite, qa=qa)
        made.append(bounded(whole_sequences(model.tokenizer, augmented, preset.sequences)))
        if len(made) == count:
            break
    return made


def peft_model(model: Model, layout: ExpertLayout, base_N: Tensor) -> torch.nn.Module:
    """Returns transformers' SmolLM2 with PEFT's adapter at the base weight."""
    base = AutoModelForCausalLM.from_pretrained(model.folder, dtype=torch.float32)
    lora = layout.lora
    config = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.target_modules))
    wrapped = get_peft_model(base, config)
    set_peft_model_state_dict(wrapped, layout.split(base_N.clone()))
    return wrapped


def product_rate(decoder: Decoder, rows: int = 2048) -> float:
    """Returns FLOP/s of the model's own largest matrix products, back to back."""
    weights = [decoder.weights[f"model.layers.0.mlp.{name}.weight"] for name in ("gate_proj", "down_proj")]
    inputs = [torch.randn(rows, weight.shape[1]).to(decoder.dtype) for weight in weights]

    def work() -> None:
        for x, weight in zip(inputs, weights, strict=True):
            torch.mm(x, weight.T)

    return sum(2 * rows * weight.numel() for weight in weights) / best_seconds(work, repeats=20)


def useful_flops(decoder: Decoder, sequences: Sequence[TrainingSequence], *, answer_only: bool) -> float:
    """Floating-point operations that training needs: forward and input gradients; the head for learnt tokens only.

    The base's weights are frozen, so a linear layer costs 2 + 2 operations a weight and token; layer 0's attention
    needs no gradient. Causal attention counts half a square, forward 2 products and backward 5.
    """
    config = decoder.config
    shapes = projection_shapes(config)
    linear = sum(outputs * inputs for outputs, inputs in shapes.values()) * config.num_hidden_layers
    first = sum(outputs * inputs for name, (outputs, inputs) in shapes.items() if name[0] in "qkvo")
    total = 0.0
    for sequence in sequences:
        length = len(sequence.tokens)
        learnt = length - (sequence.loss_from if answer_only else 1)
        heads = config.num_hidden_layers * config.num_attention_heads * config.head_dim
        total += length * (4 * linear - 2 * first) + 4 * learnt * config.hidden_size * config.vocab_size
        total += heads * length * length * 7
    return total
