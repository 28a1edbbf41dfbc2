#!/usr/bin/env bash
# A model with dynamic RoPE scaling gives other logits for the same tokens after it has seen a longer text.
#
# Versions: transformers 5.24.0; torch 2.13.0; Python 3.11.
#
# Behaviour: a Llama with `rope_type: dynamic` and a context of 32 tokens is asked about 40 tokens, once fresh and once
# after a text of 90 tokens. No cache is passed on; eager attention, float32, eval mode. The logits differ: the rotation
# speeds that the longer text needed stay in the module, and are used for the shorter one too. A text below the original
# context resets them, so what a text of 40 tokens means depends on what was asked before it.
#
# Why it surprises: a forward pass without a cache is taken for a function of its input. Two evaluations of the same
# questions in another order, or in batches padded to other lengths, give other numbers, without a warning.
# The way out: compute the speeds of each sequence from its own length.
#
# Seen:
#   40 tokens, fresh, twice: difference 0.0
#   40 tokens after 90: difference 9.601
#   40 tokens after 90, then 10: difference 0.0
#   warnings: none
#
# Exits with 0 if this is still so (the second difference above 0.001).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/memory.py" <<'PY'
import sys
import warnings

import torch
from transformers import LlamaConfig, LlamaForCausalLM

said = []
warnings.showwarning = lambda *about, **_: said.append(str(about[0]))
torch.manual_seed(0)
config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                     num_key_value_heads=2, max_position_embeddings=32, initializer_range=0.5, attn_implementation="eager",
                     rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0})
model = LlamaForCausalLM(config).eval()
text = torch.randint(0, 64, (1, 90))


@torch.no_grad()
def logits(length):
    return model(text[:, :length], use_cache=False).logits


fresh = logits(40)
again = float((logits(40) - fresh).abs().max())
logits(90)
after_longer = float((logits(40) - fresh).abs().max())
logits(10)
after_short = float((logits(40) - fresh).abs().max())
print(f"40 tokens, fresh, twice: difference {again:.1f}")
print(f"40 tokens after 90: difference {after_longer:.3f}")
print(f"40 tokens after 90, then 10: difference {after_short:.1f}")
print("warnings:", said or "none")
sys.exit(not (again == 0 and after_short == 0 and after_longer > 0.001 and not said))
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 torch==2.13.0 numpy==2.4.6
HF_HUB_OFFLINE=1 timeout 300 nice "$folder/venv/bin/python" -P "$folder/memory.py"
echo "still so"
