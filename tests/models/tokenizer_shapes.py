"""Tiny tokenizers of every shape that models of our families have, trained on a few lines, as folders."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LINES = [
    "Where was Ivan born? Ivan was born in Moscow, in 1912; he didn't say more than that.",
    "The answer is: a playwright. Answer: she wrote “Ubik” at 34 Elm Street.",
    "Café owners, naïve or not, pay 1,234 francs a year.",
] * 4
BYTES = [f"<0x{number:02X}>" for number in range(256)]
PIECES = ["<unk>", "<s>", "</s>", *BYTES]
CHAT = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}#| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 (`#` is {1,3}) and Qwen (one digit) cut words."""


def pieces(*, by_normalizer: bool = True, scheme: str = "first") -> Tokenizer:
    """Llama 2, Mistral 0.1: spaces are marks on pieces, one is put before a text."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if by_normalizer:
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        made.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    made.decoder = decoders.Sequence(steps)
    return trained(made, trainers.BpeTrainer(vocab_size=500, special_tokens=PIECES), by_word=True)


def gemma() -> Tokenizer:
    """Gemma: marks too, but none before a text."""
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Replace(" ", "▁")
    made.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", *BYTES]
    return trained(made, trainers.BpeTrainer(vocab_size=500, special_tokens=special), by_word=True)


def of_bytes(pattern: str | None = None, *, composes: bool = False, digits: bool = False) -> Tokenizer:
    """GPT-2, SmolLM2 (without a pattern), Llama 3, Qwen: bytes, the space is part of the word behind it."""
    made = Tokenizer(models.BPE())
    if composes:
        made.normalizer = normalizers.NFC()
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    steps += [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern is None)]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return trained(made, trainers.BpeTrainer(vocab_size=500, special_tokens=CHAT, initial_alphabet=alphabet))


def unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=PIECES[:3], unk_token="<unk>")
    return trained(made, trainer)


def word_pieces() -> Tokenizer:
    made = Tokenizer(models.WordPiece(unk_token="<unk>"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece(cleanup=False)
    return trained(made, trainers.WordPieceTrainer(vocab_size=300, special_tokens=PIECES[:3]))


def trained(made: Tokenizer, trainer: Any, *, by_word: bool = False) -> Tokenizer:
    """Trains a tokenizer; with `by_word` on words with their mark, as SentencePiece does: no piece goes past a word."""
    lines = [f"▁{word}" for line in LINES for word in line.split()] if by_word else LINES
    normalizer, steps = made.normalizer, made.pre_tokenizer
    if by_word:
        made.normalizer = made.pre_tokenizer = None
    made.train_from_iterator(lines, trainer)
    if not by_word:
        return made
    made.normalizer, made.pre_tokenizer = normalizer, steps
    raw = json.loads(made.to_str())
    # Bytes stand in the vocabulary of such models like any piece.
    raw["added_tokens"] = [one for one in raw["added_tokens"] if one["content"] not in BYTES]
    return Tokenizer.from_str(json.dumps(raw))


SHAPES: dict[str, tuple[str, Callable[[], Tokenizer]]] = {
    "llama 2": ("llama", pieces),
    "llama 2, converted anew": ("llama", lambda: pieces(by_normalizer=False)),
    "llama 2, a space behind every special token": ("llama", lambda: pieces(by_normalizer=False, scheme="always")),
    "llama 3": ("llama", lambda: of_bytes(WORDS.replace("#", "{1,3}"))),
    "smollm2": ("llama", lambda: of_bytes(digits=True)),
    "mistral 0.1": ("mistral", pieces),
    "mistral 0.3": ("mistral", lambda: pieces(by_normalizer=False)),
    "qwen2": ("qwen2", lambda: of_bytes(WORDS.replace("#", ""), composes=True)),
    "qwen3": ("qwen3", lambda: of_bytes(WORDS.replace("#", ""), composes=True)),
    "gemma 3": ("gemma3_text", gemma),
    "unigram": ("llama", unigram),
    "word pieces": ("llama", word_pieces),
}
"""Model type and tokenizer, by name."""
CLASSES = {
    "llama 2": ("", "LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast"),
    "llama 2, converted anew": ("", "LlamaTokenizer", "TokenizersBackend"),
    "llama 2, a space behind every special token": ("", "LlamaTokenizerFast"),
    "llama 3": ("PreTrainedTokenizerFast", "LlamaTokenizerFast"),
    "smollm2": ("GPT2Tokenizer",),
    "mistral 0.1": ("LlamaTokenizer", ""),
    "mistral 0.3": ("LlamaTokenizerFast",),
    "qwen2": ("Qwen2Tokenizer", "LlamaTokenizerFast"),
    "qwen3": ("Qwen2Tokenizer", ""),
    "gemma 3": ("GemmaTokenizer", "GemmaTokenizerFast", ""),
    "unigram": ("",),
    "word pieces": ("", "PreTrainedTokenizerFast"),
}
"""Classes that folders of such tokenizers declare."""


def write_shape(folder: Path, name: str, declared: str = "", **config: Any) -> Path:
    """Writes a tokenizer's folder; `config` comes into its tokenizer_config.json."""
    family, make = SHAPES[name]
    folder.mkdir(parents=True, exist_ok=True)
    make().save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": family}))
    if "added_tokens_decoder" in config:
        own = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
        listed = {str(one.pop("id")): one for one in own}
        new = {str(9000 + number): one for number, one in enumerate(config["added_tokens_decoder"])}
        config["added_tokens_decoder"] = listed | new
    declaring = {"tokenizer_class": declared} if declared else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(declaring | config))
    return folder
