"""What a user would do without this package: transformers and PEFT, one expert after the other."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

if TYPE_CHECKING:
    from benchmarks.gpu.work import Setting

PADDED = 3000
"""Tokens that the published loop pads each sequence to."""


def alone(setting: "Setting", repeats: int, *, padded: bool) -> Iterator[int]:
    """Trains each expert alone with PEFT's layers and torch's AdamW; yields its number when it is done.

    Args:
        setting: model, recipe and work.
        repeats: how often.
        padded: each sequence to 3,000 tokens, as the published loop does, whose mask leaves the padding out.
    """
    model = _model(setting)
    start = {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}
    # One after the other takes long: a few experts say how long.
    for index, own in enumerate(list(setting.work[:4]) * repeats):
        with torch.no_grad():
            for name, p in model.named_parameters():
                if p.requires_grad:
                    p.copy_(start[name])
        optimiser = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad],
            lr=setting.settings.learning_rate,
            weight_decay=setting.settings.weight_decay,
        )
        for sequence in own:
            width = PADDED if padded else len(sequence.tokens)
            ids = torch.zeros(1, width, dtype=torch.long, device="cuda")
            ids[0, : len(sequence.tokens)] = torch.tensor(sequence.tokens, device="cuda")
            mask = torch.arange(width, device="cuda")[None] < len(sequence.tokens)
            optimiser.zero_grad()
            model(input_ids=ids, attention_mask=mask.long(), labels=ids.where(mask, -100)).loss.backward()
            optimiser.step()
        yield index


def _model(setting: "Setting") -> torch.nn.Module:
    raw = setting.decoder.config
    config = LlamaConfig(
        vocab_size=raw.vocab_size,
        hidden_size=raw.hidden_size,
        intermediate_size=raw.intermediate_size,
        num_hidden_layers=raw.num_hidden_layers,
        num_attention_heads=raw.num_attention_heads,
        num_key_value_heads=raw.num_key_value_heads,
        head_dim=raw.head_dim,
        rms_norm_eps=raw.rms_norm_eps,
        tie_word_embeddings=True,
    )
    with torch.device("cuda"):
        model = LlamaForCausalLM(config)
    model.to(dtype=setting.decoder.dtype)  # type: ignore[call-arg]  # its stub knows devices only
    lora = setting.layout.lora
    shape = LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.target_modules))
    return get_peft_model(model, shape)
