"""Ids, texts and prompts equal transformers', on the real small model's tokenizer and on templates of all kinds."""

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
TEMPLATES = [
    "{% for m in messages %}\n    {{ m.role | upper }}: {{ m['content'] | trim }}{{ eos_token }}\n{% endfor %}",
    "{{ bos_token }}{% if date_string is defined %}{{ date_string }}{% endif %}{{ messages | tojson }}",
    "{% for m in messages %}{% if m.role == 'system' %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "{%- set ns = namespace(n=0) -%}{%- for m in messages -%}{%- set ns.n = ns.n + 1 -%}{%- endfor -%}{{ ns.n }} x",
    "{% generation %}{{ messages[-1].content }}{% endgeneration %}{% if tools %}tools{% endif %}",
    "{{ messages[0].content }}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
]


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


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("form", ["text", "named"])
def test_templates_of_all_kinds_render_equally(tmp_path: Path, theirs, template: str, form: str) -> None:  # type: ignore[no-untyped-def]
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]
    folder = folder_with(tmp_path, chat_template=template if form == "text" else named)
    expected = theirs.apply_chat_template(
        MESSAGES, chat_template=template, add_generation_prompt=True, tokenize=False, date_string="26 Jul 2024"
    )
    assert Tokenizer(folder).chat(MESSAGES) == theirs(expected, add_special_tokens=False)["input_ids"]


def test_a_template_that_asks_for_today_gets_a_pinned_date(tmp_path: Path) -> None:
    found = Tokenizer(folder_with(tmp_path, chat_template="{{ strftime_now('%d %b %Y') }}"))
    assert found.decode(found.chat(MESSAGES)) == "26 Jul 2024"


def test_spaces_are_tidied_where_the_model_asks_for_it(tmp_path: Path) -> None:
    found = Tokenizer(folder_with(tmp_path, clean_up_tokenization_spaces=True))
    assert found.decode(found.encode("It is n't so , is it ?")) == "It isn't so, is it?"


def test_special_tokens_may_be_records(tmp_path: Path) -> None:
    found = Tokenizer(folder_with(tmp_path, eos_token={"content": "<|im_end|>", "lstrip": False}))
    assert found.end_token == "<|im_end|>"
    assert len(found.eos_ids) == 1


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no tokenizer\.json"):
        Tokenizer(tmp_path)
    with pytest.raises(UsageError, match="no chat template"):
        Tokenizer(folder_with(tmp_path)).chat(MESSAGES)
    refusing = folder_with(tmp_path, chat_template="{{ raise_exception('no system role') }}")
    with pytest.raises(UsageError, match="no system role"):
        Tokenizer(refusing).chat(MESSAGES)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(UsageError, match="no usable tokenizer"):
        Tokenizer(tmp_path)
