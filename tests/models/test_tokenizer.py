"""Ids, texts and prompts equal transformers' on the real small model's tokenizer; what cannot be used is named."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from semoe.errors import UsageError
from semoe.models.smollm2 import smollm2_folder
from semoe.models.tokenizer import Tokenizer

MESSAGES = [{"role": "system", "content": "Short."}, {"role": "user", "content": "Who wrote “Ubik”?\n"}]


@pytest.fixture(scope="module")
def ours() -> Tokenizer:
    return Tokenizer(smollm2_folder())


@pytest.fixture(scope="module")
def theirs():  # type: ignore[no-untyped-def]
    return AutoTokenizer.from_pretrained(smollm2_folder())


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text("ab .,!'<|im_end|>\n\t", max_size=40))
def test_ids_and_texts_equal(ours: Tokenizer, theirs, text: str) -> None:  # type: ignore[no-untyped-def]
    ids = theirs(text, add_special_tokens=False)["input_ids"]
    assert ours.encode(text) == ids
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)
    spans = theirs(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert ours.offsets(text) == [tuple(span) for span in spans]


def test_the_models_own_template_and_end_tokens_equal(ours: Tokenizer, theirs) -> None:  # type: ignore[no-untyped-def]
    for messages in (MESSAGES, MESSAGES[1:]):
        expected = theirs.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        assert ours.chat(messages) == theirs(expected, add_special_tokens=False)["input_ids"]
    assert ours.end_token == theirs.eos_token
    assert ours.eos_ids == {theirs.eos_token_id}


def folder_with(tmp_path: Path, **config: object) -> Path:
    shutil.copyfile(smollm2_folder() / "tokenizer.json", tmp_path / "tokenizer.json")
    known = json.loads((smollm2_folder() / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(known | config))
    return tmp_path


def test_special_tokens_may_be_records(tmp_path: Path) -> None:
    found = Tokenizer(folder_with(tmp_path, eos_token={"content": "<|im_end|>", "lstrip": False}))
    assert found.end_token == "<|im_end|>"
    assert len(found.eos_ids) == 1


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        Tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match="no usable tokenizer"):
        Tokenizer(tmp_path)


def test_a_git_lfs_pointer_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(UsageError, match="git lfs pull"):
        Tokenizer(tmp_path)


@pytest.mark.parametrize("other", ["tokenizer.model", "tekken.json", "vocab.json"])
def test_a_tokenizer_in_another_form_is_named_with_the_cure(tmp_path: Path, other: str) -> None:
    (tmp_path / other).write_text("{}")
    with pytest.raises(UsageError, match=rf"its {other} is not read.*save_pretrained"):
        Tokenizer(tmp_path)


@pytest.mark.parametrize("text", ["<|im_end|>", "x <|im_start|>user"])
def test_a_token_without_embedding_is_named_where_it_is_used(text: str) -> None:
    few = Tokenizer(smollm2_folder(), num_embeddings=2)
    assert Tokenizer(smollm2_folder(), num_embeddings=49152).encode(text)
    with pytest.raises(UsageError, match=r"with id \d+, but the model has embeddings for 2 only"):
        few.encode(text)


def test_a_model_that_names_no_end_token_takes_the_one_of_its_configuration(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, eos_token=None)
    assert Tokenizer(folder, eos_ids=(2, 0)).end_token == "<|im_end|>"
    assert Tokenizer(folder, eos_ids=(2, 0)).eos_ids == {0, 2}
    assert Tokenizer(folder).end_token == ""
