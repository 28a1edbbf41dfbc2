#!/usr/bin/env bash
# AutoTokenizer gives other ids than the tokenizer.json that it reads, where the folder declares LlamaTokenizer.
#
# Versions: transformers 5.24.0; tokenizers 0.23.3; Python 3.11.
#
# Behaviour: a tokenizer.json in the form of Llama 2's and TinyLlama's (a normaliser puts the mark of a space before
# every stretch of text) is saved and opened twice: by the tokenizers library, and by AutoTokenizer with the class
# "LlamaTokenizer" in tokenizer_config.json, as those models have it. The class takes vocabulary and merges alone from
# the file and builds normaliser, pre-tokeniser and decoder anew, by its options `legacy` and `add_prefix_space`. Text
# behind a special token, which every turn of a conversation is, then has no mark of a space; text that begins with a
# space has one mark instead of two. With "PreTrainedTokenizerFast" in its place the ids are those of the file.
#
# Why it surprises: the documentation calls tokenizer.json the whole of a fast tokenizer, releases before 5 opened it as
# it is, and nothing is said. A program that reads the file itself and one that uses AutoTokenizer feed a model
# different prompts.
# The way out: do as the declared class does, for Llama models whose tokenizer is one of pieces.
#
# Seen:
#   ' hi'         file ['▁', '▁hi']          LlamaTokenizer ['▁hi']         PreTrainedTokenizerFast as the file
#   '</s>hi'      file ['</s>', '▁hi']       LlamaTokenizer ['</s>', 'hi']  PreTrainedTokenizerFast as the file
#   warnings: none
#
# Exits with 0 if this is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/ids.py" <<'PY'
import json
import sys
import warnings

from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import AutoTokenizer

said = []
warnings.showwarning = lambda *about, **_: said.append(str(about[0]))
vocabulary = ["<unk>", "<s>", "</s>", "▁", "h", "i", "hi", "▁hi"]
model = models.BPE({piece: number for number, piece in enumerate(vocabulary)}, [("h", "i"), ("▁", "hi")],
                   unk_token="<unk>", fuse_unk=True, byte_fallback=True)
made = Tokenizer(model)
made.add_special_tokens(["<unk>", "<s>", "</s>"])
made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                  decoders.Strip(" ", 1, 0)])
made.save("tokenizer.json")
json.dump({"model_type": "llama"}, open("config.json", "w"))
special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


def opened_as(declared):
    json.dump(special | {"tokenizer_class": declared}, open("tokenizer_config.json", "w"))
    return AutoTokenizer.from_pretrained(".")


file, llama, plain = Tokenizer.from_file("tokenizer.json"), opened_as("LlamaTokenizer"), opened_as("PreTrainedTokenizerFast")
EXPECTED = {" hi": (["▁", "▁hi"], ["▁hi"]), "</s>hi": (["</s>", "▁hi"], ["</s>", "hi"])}
changed = bool(said)
for text, expected in EXPECTED.items():
    own = file.encode(text, add_special_tokens=False).tokens
    theirs, same = llama.tokenize(text), plain.tokenize(text)
    print(f"{text!r:10} file {own}  LlamaTokenizer {theirs}  PreTrainedTokenizerFast {same}")
    changed |= (own, theirs) != expected or same != own
print("warnings:", said or "none")
sys.exit(changed)
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3 jinja2==3.1.6
cd "$folder"
HF_HUB_OFFLINE=1 timeout 300 nice "$folder/venv/bin/python" -P ids.py
echo "still so"
