"""Presets: checked-in recipes, one TOML file each, and a user's own in the same form.

Of a preset's tables, `augmentation`, `sequences`, `lora` and `training` decide what an expert is and enter the expert
space; `answering` does not, and `chat` enters it with the model.
"""

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import orjson

from semoe.errors import UsageError, unknown_name
from semoe.experts.settings import LoraSettings, Quantization, TrainingSettings, require_quantization
from semoe.files import read_text
from semoe.typed import build


@dataclass(frozen=True, kw_only=True, slots=True)
class AugmentationSettings:
    """How a passage becomes question-answer pairs."""

    kind: Literal["parse", "model"] = "parse"
    max_pairs: int = 8

    def __post_init__(self) -> None:
        if self.max_pairs < 1:
            raise UsageError(f"max_pairs must be 1 or more, not {self.max_pairs}.", kind="bad-value")


@dataclass(frozen=True, kw_only=True, slots=True)
class SequenceSettings:
    """What an expert reads."""

    composition: Literal["published", "closed-book"] = "closed-book"
    """`published`: pairs with passage and with rewrite, one pair without; `closed-book`: pairs alone."""
    template: str = "semoe"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweringSettings:
    """How a question is asked and its answer read; no part of the expert space."""

    template: str = "semoe"
    merge: str = "half"
    extraction: str = "semoe"
    max_new_tokens: int = 14
    quantization: Quantization = "none"
    """Of the products with the base model's weights while answers are written."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise UsageError(f"max_new_tokens must be 1 or more, not {self.max_new_tokens}.", kind="bad-value")
        require_quantization(self.quantization)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatSettings:
    """How the model's own chat template is filled, for experts and questions alike; enters the model's digest."""

    arguments: str = ""
    """A JSON object of values for the template, such as `{"enable_thinking": true}`; empty: none."""

    def __post_init__(self) -> None:
        self.values()

    def values(self) -> dict[str, Any]:
        """Returns the values by name.

        Raises:
            UsageError: the text is no JSON object.
        """
        try:
            found = orjson.loads(self.arguments or "{}")
        except orjson.JSONDecodeError as error:
            found = error
        if not isinstance(found, dict):
            raise UsageError(
                f'template_args must be a JSON object such as {{"enable_thinking": true}}, not {self.arguments!r}.',
                kind="bad-value",
            )
        return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A whole recipe."""

    name: str
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    sequences: SequenceSettings = field(default_factory=SequenceSettings)
    lora: LoraSettings = field(default_factory=LoraSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    answering: AnsweringSettings = field(default_factory=AnsweringSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)


def preset_names() -> tuple[str, ...]:
    """Names of the presets that come with SEMOE."""
    return tuple(sorted(p.name.removesuffix(".toml") for p in _shipped().iterdir() if p.name.endswith(".toml")))


def load_preset(name_or_path: str) -> Preset:
    """Loads a shipped preset by name, or a user's TOML file.

    Raises:
        UsageError: unknown name, broken file, unknown key or impossible value; the message names it.
    """
    if name_or_path.endswith(".toml"):
        return parse_preset(read_text(Path(name_or_path)), Path(name_or_path).stem)
    if name_or_path not in preset_names():
        raise unknown_name("preset", name_or_path, preset_names())
    return parse_preset((_shipped() / f"{name_or_path}.toml").read_text(encoding="utf-8"), name_or_path)


def parse_preset(text: str, name: str) -> Preset:
    """Builds a preset from TOML text."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"Preset {name}: broken TOML ({error}).", kind="broken-toml") from error
    kinds: dict[str, type[Any]] = {
        "augmentation": AugmentationSettings, "sequences": SequenceSettings, "lora": LoraSettings,
        "training": TrainingSettings, "answering": AnsweringSettings, "chat": ChatSettings,
    }  # fmt: skip
    for table in tables:
        if table not in kinds:
            raise unknown_name(f"table in preset {name}", table, kinds)
    built: dict[str, Any] = {key: build(kinds[key], tables[key], f"preset {name}, [{key}]") for key in tables}
    return Preset(name=name, **built)


def _shipped() -> Any:
    return resources.files("semoe.experts") / "presets"
