"""Prompts equal transformers' for templates of all kinds; a model that may think is asked not to."""

from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from semoe.errors import UsageError
from semoe.models.tokenizer import Tokenizer
from semoe.prompts.rendering import training_sequence
from semoe.prompts.template import load_template
from tests.models.tokenizer_shapes import write_shape

MESSAGES = [{"role": "system", "content": "Short."}, {"role": "user", "content": "Who wrote “Ubik”?\n"}]
TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
BEGINS = "{% if add_generation_prompt %}<|im_start|>assistant\n"
SWITCHED = (
    BEGINS + "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""A template with a switch for thinking, as Qwen3's."""
TEMPLATES = {
    "blocks": "{% for m in messages %}\n    {{ m.role|upper }}: {{ m['content']|trim }}{{ eos_token }}\n{% endfor %}",
    "date, JSON": "{{ bos_token }}{% if date_string is defined %}{{ date_string }}{% endif %}{{ messages | tojson }}",
    "JSON as it is": "{% for m in messages %}{{ m.content | tojson(ensure_ascii=False) }}{% endfor %}",
    "JSON in ASCII": "{{ messages | tojson(ensure_ascii=True, indent=2) }}",
    "JSON, sorted and narrow": "{{ messages | tojson(sort_keys=True, separators=(',', ':')) }}",
    "JSON, by position": "{{ messages | tojson(False, 4) }}",
    "continue": "{% for m in messages %}{% if m.role != 'user' %}{% continue %}{% endif %}{{ m.content }}{% endfor %}",
    "namespace": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
    "namespace of pairs": "{%- set ns = namespace({'a': 1}, b=2) -%}{{ ns.a + ns.b }}",
    "generation": "{% generation %}{{ messages[-1].content }}{% endgeneration %}{% if tools %}tools{% endif %}",
    "turns": f"{TURNS}{BEGINS}{{% endif %}}",
    "macro": "{% macro say(m) %}{{ m.role }}: {{ m.content }}{% endmacro %}{{ say(messages[0]) }}",
    "thinking, switched": TURNS + SWITCHED,
}  # fmt: skip


def folder_with(tmp_path: Path, template: Any, shape: str = "qwen3") -> Path:
    named = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    return write_shape(tmp_path, shape, "Qwen2Tokenizer", chat_template=template, **named)


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("form", ["text", "named", "file"])
def test_templates_of_all_kinds_render_equally(tmp_path: Path, template: str, form: str) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]
    folder = folder_with(tmp_path, {"text": template, "named": named, "file": "not this one"}[form])
    if form == "file":
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    theirs = AutoTokenizer.from_pretrained(folder)
    expected = theirs.apply_chat_template(
        MESSAGES, add_generation_prompt=True, tokenize=False, date_string="26 Jul 2024", enable_thinking=False
    )
    assert Tokenizer(folder).chat(MESSAGES) == theirs(expected, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    "asked", [{"enable_thinking": True}, {"who": "Ada"}, {"date_string": "today", "bos_token": "!"}]
)
def test_arguments_reach_the_template_as_they_do_in_transformers(tmp_path: Path, asked: dict[str, Any]) -> None:
    template = f"{{{{ bos_token }}}}{{{{ who }}}}{{{{ date_string }}}}{TURNS}{SWITCHED}"
    folder = folder_with(tmp_path, template)
    theirs = AutoTokenizer.from_pretrained(folder)
    defaults = {"date_string": "26 Jul 2024", "enable_thinking": False}
    expected = theirs.apply_chat_template(MESSAGES, add_generation_prompt=True, tokenize=False, **(defaults | asked))
    ours = Tokenizer(folder, template_arguments=asked).chat(MESSAGES)
    assert ours == theirs(expected, add_special_tokens=False)["input_ids"]


OPENED = ["<think>", "<think>\n", "<think>\n\n", "<thinking>\n", "[THINK]"]
"""How templates of models that always think end."""


@pytest.mark.parametrize("opened", OPENED)
def test_an_opened_thought_is_closed_and_the_answer_is_learnt_behind_it(tmp_path: Path, opened: str) -> None:
    folder = folder_with(tmp_path, f"{TURNS}{BEGINS}{opened}{{% endif %}}", shape="smollm2")
    ours = Tokenizer(folder)
    tag = opened.strip()
    closed = f"assistant\n{tag}\n\n{tag[0]}/{tag[1:]}\n\n"
    assert ours.decode(ours.chat(MESSAGES)).endswith(closed)
    made = training_sequence(ours, load_template("semoe"), "Who wrote it?", "Dick")
    assert ours.decode(made.tokens[: made.loss_from]).endswith(f"{closed}Answer:")
    assert ours.decode(made.tokens[made.loss_from :]) == " Dick."


def test_whoever_asks_for_thoughts_gets_the_template_as_it_is(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, f"{TURNS}{BEGINS}<think>\n{{% endif %}}")
    asked = Tokenizer(folder, template_arguments={"enable_thinking": True})
    assert asked.decode(asked.chat(MESSAGES)).endswith("assistant\n<think>\n")


def test_a_question_about_thinking_is_no_opened_thought(tmp_path: Path) -> None:
    ours = Tokenizer(folder_with(tmp_path, TURNS))
    said = ours.decode(ours.chat([{"role": "user", "content": "What does <think> mean?"}]))
    assert "</think>" not in said


def test_a_template_that_asks_for_today_gets_a_pinned_date(tmp_path: Path) -> None:
    found = Tokenizer(folder_with(tmp_path, "{{ strftime_now('%d %b %Y') }}"))
    assert found.decode(found.chat(MESSAGES)) == "26 Jul 2024"


BROKEN = {
    "{{ raise_exception('no system role') }}": "no system role",
    "{{ messages[0].content + 1 }}": "TypeError",
    "{{ 1 // (messages | length - 2) }}": "ZeroDivisionError",
    "{{ messages | tojson(colour=1) }}": "TypeError",
    "{{ nothing.there }}": "undefined",
    "{% for m in messages %}": "broken",
    "{{ messages | unheard_of }}": "unheard_of",
    "{{ messages.__class__.__name__ }}": "unsafe",
    "{%- set ns = namespace(_a=1) -%}": "underscore",
    "{{ messages.append(1) }}": "unsafe",
}


@pytest.mark.parametrize(("template", "said"), BROKEN.items(), ids=BROKEN.values())
def test_whatever_goes_wrong_in_a_template_is_the_templates_fault(tmp_path: Path, template: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Tokenizer(folder_with(tmp_path, template)).chat(MESSAGES)


@pytest.mark.parametrize("template", [None, "", [{"name": "tool_use", "template": "x"}], {"default": "x"}])
def test_a_model_without_a_template_for_conversations_is_named(tmp_path: Path, template: Any) -> None:
    with pytest.raises(UsageError, match="no chat template"):
        Tokenizer(folder_with(tmp_path, template)).chat(MESSAGES)
