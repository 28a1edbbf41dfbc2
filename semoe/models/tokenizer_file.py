"""Opens `tokenizer.json` as transformers would: with the tokens that other files add, and by the class they declare.

Whether a space is put before a text is then decided by the options of that class, whatever steps the file holds.
"""

from pathlib import Path
from typing import Any, NamedTuple

import tokenizers
from tokenizers import AddedToken, decoders, models, pre_tokenizers

from semoe.errors import UsageError
from semoe.models.special_tokens import OF_FAMILY, SpecialTokens, read_object, read_special_tokens
from semoe.models.weight_files import refuse_pointer

OF_BYTES = ("GPT2Tokenizer", "Qwen2Tokenizer")
"""Classes that put a space before a text by their own option alone."""


class Opened(NamedTuple):
    """A tokenizer as it is used."""

    inner: tokenizers.Tokenizer
    tokens: SpecialTokens
    changes: dict[str, Any]
    """What differs from `tokenizer.json` alone, for the model's digest; empty for most models."""


def open_tokenizer(folder: Path) -> Opened:
    """Opens a folder's tokenizer.

    Raises:
        UsageError: there is none, or it is broken.
    """
    path = folder / "tokenizer.json"
    inner = _from_file(path)
    config = read_object(folder / "tokenizer_config.json")
    family = str(read_object(folder / "config.json").get("model_type", ""))
    kind = _class_of(inner, family, str(config.get("tokenizer_class") or "").removesuffix("Fast"))
    changes: dict[str, Any] = {}
    if kind == "LlamaTokenizer":
        changes |= _mark_spaces(inner, config)
    elif kind in OF_BYTES:
        changes |= _lead_with_space(inner, bool(config.get("add_prefix_space")))
    if config.get("split_special_tokens"):
        inner.encode_special_tokens = True
        changes["split_special_tokens"] = True
    tokens = read_special_tokens(folder, kind)
    if new := _add(inner, tokens):
        changes["added"] = new
    return Opened(inner, tokens, changes)


def _from_file(path: Path) -> tokenizers.Tokenizer:
    if not path.is_file():
        other = next(
            (one for one in ("tokenizer.model", "tekken.json", "vocab.json") if (path.parent / one).is_file()), None
        )
        here = f" (its {other} is not read)" if other else ""
        raise UsageError(
            f"{path.parent} holds no tokenizer.json{here}. Save the model with a fast tokenizer: "
            "AutoTokenizer.from_pretrained(...).save_pretrained(...).",
            kind="model-tokenizer",
        )
    refuse_pointer(path)
    try:
        inner = tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise UsageError(f"{path} is no usable tokenizer ({error}).", kind="model-tokenizer") from error
    inner.no_padding()
    inner.no_truncation()
    return inner


def _class_of(inner: tokenizers.Tokenizer, family: str, declared: str) -> str:
    """Returns the class by which transformers opens a folder; empty for one that takes the file as it is."""
    if family == "qwen2" or (not declared and family in OF_FAMILY):
        return OF_FAMILY[family]
    if not isinstance(inner.model, models.BPE):
        return ""
    if declared == "LlamaTokenizer":
        of_bytes = "ByteLevel" in f"{inner.pre_tokenizer}{inner.decoder}"
        return "" if of_bytes or family == "mistral" else declared
    return declared


def _lead_with_space(inner: tokenizers.Tokenizer, leads: bool) -> dict[str, Any]:
    """Has a tokenizer of bytes put a space before a text, or not."""
    steps = inner.pre_tokenizer
    if steps is None:
        return {}
    asked, other = (f'"add_prefix_space":{str(one).lower()}'.encode() for one in (leads, not leads))
    state = steps.__getstate__()
    if other not in state:
        return {}
    steps.__setstate__(state.replace(other, asked))
    inner.pre_tokenizer = steps
    return {"prefix_space": leads}


def _mark_spaces(inner: tokenizers.Tokenizer, config: dict[str, Any]) -> dict[str, Any]:
    """Marks spaces as the options of `LlamaTokenizer` ask for; returns what was changed."""
    puts = config.get("add_prefix_space") is not False
    scheme = ("always" if config.get("legacy") else "first") if puts else "never"
    before = f"{inner.normalizer}{inner.pre_tokenizer}{inner.decoder}"
    inner.normalizer = None
    inner.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    inner.decoder = decoders.Sequence([*steps, *([decoders.Strip(" ", 1, 0)] if puts else [])])
    inner.model.fuse_unk = inner.model.byte_fallback = True
    return {"prefix_space": scheme} if before != f"{inner.normalizer}{inner.pre_tokenizer}{inner.decoder}" else {}


def _add(inner: tokenizers.Tokenizer, tokens: SpecialTokens) -> list[str]:
    """Adds tokens that the file lacks, or holds with other properties; returns what changed."""
    there = {repr(token) for token in inner.get_added_tokens_decoder().values()}
    new = [token for token in tokens.added if repr(token) not in there]
    known = {token.content for token in (*inner.get_added_tokens_decoder().values(), *new)}
    special = dict.fromkeys(one for one in (*tokens.named.values(), *tokens.extra) if one not in known)
    new += [AddedToken(content, special=True) for content in special]
    named = set(tokens.named.values())
    for token in new:
        token.special = token.special or token.content in named
    inner.add_tokens(new)
    return [repr(token) for token in new]
