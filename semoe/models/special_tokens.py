"""Special and added tokens of a model folder, from all the files that may name them.

The order is transformers': where `tokenizer_config.json` lists added tokens itself, it is alone; otherwise
`special_tokens_map.json` comes over it, and `added_tokens.json` adds more. What no file names is named by the class of
tokenizer that the model declares.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import AddedToken

from semoe.errors import UsageError
from semoe.files import read_json

STANDARD = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
DEFAULTS = {
    "LlamaTokenizer": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "Qwen2Tokenizer": dict.fromkeys(("eos_token", "unk_token", "pad_token"), "<|endoftext|>"),
    "GPT2Tokenizer": dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>"),
    "GemmaTokenizer": {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"},
}  # fmt: skip
"""Names that a class of tokenizers gives where the files are silent."""
OF_FAMILY = {"qwen2": "Qwen2Tokenizer", "qwen3": "Qwen2Tokenizer", "gemma3_text": "GemmaTokenizer"}
"""The class of a model type whose folder declares none."""


class SpecialTokens(NamedTuple):
    """What the files of a folder say."""

    named: Mapping[str, str]
    """Text of each named token: `bos_token`, `eos_token`, …"""
    extra: tuple[str, ...]
    """Special tokens without a name."""
    added: tuple[AddedToken, ...]
    """Tokens beside the vocabulary, in the order of their ids."""


def read_special_tokens(folder: Path, declared: str) -> SpecialTokens:
    """Reads them.

    Args:
        folder: the model's.
        declared: class of its tokenizer.

    Raises:
        UsageError: a file is broken.
    """
    config = read_object(folder / "tokenizer_config.json")
    listed = config.get("added_tokens_decoder")
    if listed is None:
        config |= read_object(folder / "special_tokens_map.json")
    extra = config.get("extra_special_tokens") or config.get("additional_special_tokens") or []
    if isinstance(extra, dict):
        config |= extra
        extra = []
    found = {name: text(value) for name, value in config.items() if name.endswith("_token") and text(value)}
    given = DEFAULTS.get(declared, {}) | found
    # New tokens get their ids in this order.
    named = {name: given[name] for name in (*STANDARD, *given) if name in given}
    special = {*named.values(), *map(text, extra)}
    added = _listed(folder, listed) if listed is not None else _legacy(folder, special)
    return SpecialTokens(named, tuple(map(text, extra)), added)


def _listed(folder: Path, listed: Any) -> tuple[AddedToken, ...]:
    try:
        by_id = sorted((int(number), AddedToken(**record)) for number, record in listed.items())
    except (TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{folder / 'tokenizer_config.json'}: added_tokens_decoder is not as transformers writes it ({error}).",
            kind="model-tokenizer",
        ) from error
    return tuple(token for _, token in by_id)


def _legacy(folder: Path, special: set[str]) -> tuple[AddedToken, ...]:
    by_id = sorted((number, content) for content, number in read_object(folder / "added_tokens.json").items())
    return tuple(
        AddedToken(content, normalized=content not in special, special=content in special) for _, content in by_id
    )


def text(token: Any) -> str:
    """A special token is its text, or a record with it."""
    return str(token.get("content", "") if isinstance(token, dict) else token if isinstance(token, str) else "")


def read_object(path: Path) -> dict[str, Any]:
    """Reads a JSON object; an empty one where there is no such file."""
    found = read_json(path) if path.is_file() else {}
    if not isinstance(found, dict):
        raise UsageError(f"{path} holds no JSON object. Download it again.", kind="model-tokenizer")
    return found
