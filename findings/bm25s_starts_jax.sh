#!/usr/bin/env bash
# `import bm25s` starts JAX's device runtime where JAX is installed, whether or not a search will use it.
#
# Versions: bm25s 0.3.16; jax 0.8.1 (CPU); numpy 2.3.5; Python 3.11.
#
# Behaviour: bm25s computes by numpy or numba, and can choose the best scores by JAX. Its import runs a small JAX
# product at once, to quiet a message. That loads JAX and starts every backend that JAX finds: `import jax` alone starts
# none. `backend_selection="numpy"` at the search comes too late, and no setting of bm25s prevents it.
#
# Why it surprises: a library of keyword search is imported beside a model that fills a GPU. JAX, once started there,
# takes three quarters of the GPU's memory by its own default, so the model, or the next process, runs out of it, far
# from the import that did it. (On a GPU of 139 GiB 105 GiB were gone. This script shows the start itself, on a CPU.)
# The way out: set JAX_PLATFORMS=cpu, or let the import of jax fail while bm25s is imported.
#
# Seen:
#   after import jax: 0 backends started
#   after import bm25s: 1 backends started: cpu
#   after import bm25s with jax out of reach: JAX is not loaded; the search finds ['a cat sat']
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bm25s==0.3.16 'jax[cpu]==0.8.1' numpy==2.3.5

cat > "$folder/backends.py" <<'PY'
import sys


def backends() -> list[str]:
    from jax._src import xla_bridge

    return sorted(xla_bridge._backends)


if sys.argv[1] == "jax":
    import jax

    found = backends()
    print(f"after import jax: {len(found)} backends started")
    assert found == []
elif sys.argv[1] == "bm25s":
    import bm25s

    found = backends()
    print(f"after import bm25s: {len(found)} backends started: {', '.join(found)}")
    assert found
else:
    sys.modules["jax"] = None
    import bm25s

    del sys.modules["jax"]
    index = bm25s.BM25()
    texts = ["a cat sat", "a dog ran"]
    index.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)
    rows, _ = index.retrieve(bm25s.tokenize("cat", show_progress=False), k=1, show_progress=False)
    assert "jax" not in sys.modules
    print(f"after import bm25s with jax out of reach: JAX is not loaded; the search finds {[texts[i] for i in rows[0]]}")
    assert texts[rows[0][0]] == "a cat sat"
PY
for what in jax bm25s hidden; do "$folder/venv/bin/python" "$folder/backends.py" "$what"; done
