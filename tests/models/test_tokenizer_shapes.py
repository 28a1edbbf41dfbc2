"""Ids and texts equal transformers' for tokenizers of all shapes, declared classes, options and added tokens."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from semoe.models.tokenizer import Tokenizer
from semoe.prompts.rendering import training_sequence
from semoe.prompts.template import load_template
from tests.models.tokenizer_shapes import CLASSES, SHAPES, write_shape

TEXTS = [
    "Where was Ivan born?", " Moscow.", "  two  spaces ", "\nnew\n\nline", "a\r\nb\tc", "", "1234 56",
    "Cafe\u0301 naïve Ω中🙂", "don't I'LL it 's n't , ok .", "</s>after", "<s>[INST] hi [/INST] x</s> y",
    "<|im_start|>user\nhi<|im_end|>\n", "an <extra> b<extra>c", "<one><two>", "<start_of_turn>user",
]  # fmt: skip
EVEN_FOR_BPE = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output"
ADDED: dict[str, Any] = {"lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True}


def require_equal(folder: Path) -> Tokenizer:
    ours = Tokenizer(folder)
    theirs = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        ids = theirs(text, add_special_tokens=False)["input_ids"]
        assert ours.encode(text) == ids, text
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True), text
    return ours


CASES = [(name, declared) for name, classes in CLASSES.items() for declared in classes]


@pytest.mark.parametrize(("name", "declared"), CASES)
def test_every_shape_with_the_classes_that_it_declares(tmp_path: Path, name: str, declared: str) -> None:
    require_equal(write_shape(tmp_path, name, declared))


OPTIONS: list[dict[str, Any]] = [
    {"legacy": True}, {"legacy": False}, {"add_prefix_space": False}, {"add_prefix_space": True, "legacy": False},
    {"clean_up_tokenization_spaces": True}, {"split_special_tokens": True},
    {"clean_up_tokenization_spaces": True, EVEN_FOR_BPE: True},
    {"additional_special_tokens": ["<extra>"]}, {"extra_special_tokens": {"image_token": "<extra>"}},
    {"eos_token": "<extra>", "pad_token": "</s>"},
    {"eos_token": {"__type": "AddedToken", "content": "<extra>", **ADDED}},
    {"added_tokens_decoder": [{"content": "<extra>", **ADDED, "special": False}]},
    {"added_tokens_decoder": [{"content": "<one>", **ADDED}, {"content": "<two>", **ADDED, "lstrip": True}]},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids="+".join)
@pytest.mark.parametrize("name", ["llama 2", "llama 3", "mistral 0.1", "qwen3", "gemma 3", "word pieces"])
def test_options_of_tokenizer_config(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    require_equal(write_shape(tmp_path, name, CLASSES[name][-1 if name == "gemma 3" else 0], **options))
    if name == "llama 2":
        require_equal(write_shape(tmp_path, name, "LlamaTokenizer", **options))


FILES = [
    {"special_tokens_map.json": {"eos_token": "<extra>", "bos_token": {"content": "<one>", **ADDED}}},
    {"special_tokens_map.json": {"eos_token": "</s>"}, "added_tokens.json": {"<extra>": 9000, "</s>": 9001}},
    {"added_tokens.json": {"<two>": 9001, "<one>": 9000}},
]


@pytest.mark.parametrize("files", FILES, ids="+".join)
@pytest.mark.parametrize("decoder", [False, True])
@pytest.mark.parametrize("name", ["llama 2", "qwen2", "smollm2"])
def test_other_files_name_tokens(tmp_path: Path, name: str, files: dict[str, Any], decoder: bool) -> None:
    more = {"added_tokens_decoder": []} if decoder else {}
    folder = write_shape(tmp_path, name, CLASSES[name][0], eos_token="<unk>", **more)
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content))
    ours = require_equal(folder)
    assert ours.end_token == AutoTokenizer.from_pretrained(folder).eos_token


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("template", ["semoe", "published"])
def test_an_expert_learns_the_ids_of_running_text(tmp_path: Path, name: str, template: str) -> None:
    chat = "{{ bos_token }}{% for m in messages %}[INST] {{ m.content }} [/INST]\n{% endfor %}"
    ends = {"bos_token": "<s>", "eos_token": "</s>", "chat_template": chat}
    folder = write_shape(tmp_path, name, CLASSES[name][0], **ends)
    theirs = AutoTokenizer.from_pretrained(folder)
    made = training_sequence(Tokenizer(folder), load_template(template), "Where was Ivan born?", "Moscow")
    prompt = load_template(template).render("Where was Ivan born?")
    asked = theirs.apply_chat_template([{"role": "user", "content": prompt.user}], tokenize=False) + prompt.primed
    target = load_template(template).target("Moscow", end_token="</s>")
    assert list(made.tokens) == theirs(asked + target, add_special_tokens=False)["input_ids"]
    assert list(made.tokens[: made.loss_from]) == theirs(asked, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("name", SHAPES)
def test_texts_that_differ_from_those_of_before_are_marked(tmp_path: Path, name: str) -> None:
    """Primed words and targets were tokenised alone: those of tokenizers that mark spaces had a stray one."""
    changes = Tokenizer(write_shape(tmp_path, name, CLASSES[name][0])).changes()
    assert ("texts" in changes) == (name.startswith(("llama 2", "mistral")) or name == "unigram")
