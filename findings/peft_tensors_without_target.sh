#!/usr/bin/env bash
# PEFT loads an adapter whose configuration targets fewer modules than the file has tensors for, and drops the others.
#
# Versions: peft 0.21.2; transformers 5.24.0; torch 2.13.0; Python 3.11.
#
# Behaviour: an adapter of up_proj, gate_proj and down_proj is saved by PEFT itself. Its adapter_config.json is edited as
# people do who merge or trim adapters, so that `target_modules` is a pattern for up_proj alone; the tensors stay.
# PeftModel.from_pretrained returns a model in which two thirds of the adapter have no effect. The logits are far from
# those of the whole adapter. There is no error and no warning, though every tensor of the file is known to be LoRA's.
#
# Why it surprises: the other way round, a module without tensors, there is a warning. What a file holds and is not used
# is the loss that nobody sees.
# The way out: hold the tensors of a file against the modules that its configuration targets, before it is used.
#
# Seen:
#   whole adapter, loaded again: difference 0.000
#   target_modules '.*up_proj': difference 9.226
#   tensors in the file 12, in the model 4
#   warnings: none
#
# Exits with 0 if this is still so (the second difference above 0.01).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/targets.py" <<'PY'
import json
import sys
import warnings

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

said = []


def base():
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=2, initializer_range=0.5)
    return LlamaForCausalLM(config).eval()


@torch.no_grad()
def logits(model):
    return model(torch.arange(17)[None]).logits


def loaded():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = PeftModel.from_pretrained(base(), "adapter").eval()
    # Deprecations of names are no word on the adapter.
    said.extend(str(one.message) for one in caught if not issubclass(one.category, (FutureWarning, DeprecationWarning)))
    return model


made = get_peft_model(base(), LoraConfig(r=4, target_modules=["up_proj", "gate_proj", "down_proj"])).eval()
with torch.no_grad():
    for name, parameter in made.named_parameters():
        if "lora_" in name:
            parameter.normal_(0, 0.3)
whole = logits(made)
made.save_pretrained("adapter")
again = float((logits(loaded()) - whole).abs().max())
config = json.load(open("adapter/adapter_config.json"))
json.dump(config | {"target_modules": ".*up_proj"}, open("adapter/adapter_config.json", "w"))
fewer = loaded()
difference = float((logits(fewer) - whole).abs().max())
in_file = len(load_file("adapter/adapter_model.safetensors"))
in_model = sum("lora_" in name for name, _ in fewer.named_parameters())
print(f"whole adapter, loaded again: difference {again:.3f}")
print(f"target_modules '.*up_proj': difference {difference:.3f}")
print(f"tensors in the file {in_file}, in the model {in_model}")
print("warnings:", said or "none")
sys.exit(not (again == 0 and difference > 0.01 and (in_file, in_model) == (12, 4) and not said))
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  peft==0.21.2 transformers==5.24.0 torch==2.13.0 safetensors==0.8.0 accelerate==1.15.0 numpy==2.4.6
cd "$folder"
HF_HUB_OFFLINE=1 timeout 300 nice "$folder/venv/bin/python" -P targets.py
echo "still so"
