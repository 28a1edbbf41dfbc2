"""A space as its users open it: described by itself, its experts as tensors.

space.json            what an expert of it is: model, recipe, versions
adapter_config.json   PEFT's configuration of each of its experts
base.safetensors      the weight that each of them starts from
"""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from torch import Tensor

from semoe.errors import CorruptError, UsageError
from semoe.experts.base_weight import base_weight
from semoe.experts.layout import ExpertLayout
from semoe.experts.space import ExpertSpace
from semoe.store.base_weights import base_weight_file
from semoe.store.blob import from_bytes, tensor_file
from semoe.store.cache import ExpertCache
from semoe.store.expert_store import ExpertStore
from semoe.store.object_names import SpaceNames
from semoe.store.objects import MissingObjectError, Objects, check_conditional_writes, is_name
from semoe.store.peft_folder import adapter_config, check_numbers

log = logging.getLogger(__name__)
_FORMER = (
    "was made by an earlier version, which named spaces after less than decides an expert: its experts are not reused. "
    "They can be read: `semoe experts ls | show | export --space NAME`."
)
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


def make_space(objects: Objects, space: ExpertSpace, layout: ExpertLayout) -> ExpertStore:
    """Opens a space for writing; see `describe_space`."""
    describe_space(objects, space, layout)
    return ExpertStore(objects, space.name)


def describe_space(objects: Objects, space: ExpertSpace, layout: ExpertLayout) -> None:
    """Makes sure that a space can be written, and describes it where it is new.

    Raises:
        UsageError: no such bucket, no permission, a store without conditional writes, or none of the base weight that
            its experts start from.
        TransientError: the store does not answer.
    """
    names = SpaceNames(space.name)
    check_conditional_writes(objects)
    try:
        objects.get(names.described)
    except MissingObjectError:
        _tell_of_former(objects, space)
        given = space.preset.training.base_weight
        drawn = base_weight(layout, space.preset.training.seed)
        base = base_weight_file(objects, given) if given else tensor_file(layout, drawn, {})
        objects.create(names.base_weight, base)
        objects.create(names.adapter_config, orjson.dumps(adapter_config(layout, space.base_model), option=PRETTY))
        # Last: a space that describes itself is whole.
        objects.create(names.described, orjson.dumps(space.describe(), option=PRETTY))


def expert_cache_folder() -> Path | None:
    """Returns where this machine keeps experts that it has read: `SEMOE_EXPERT_CACHE`; None: in memory alone."""
    named = os.environ.get("SEMOE_EXPERT_CACHE")
    return Path(named) if named else None


class Experts:
    """Reads experts of one space, near ones first: memory, disk where there is a folder for it, store."""

    def __init__(
        self,
        store: ExpertStore,
        layout: ExpertLayout,
        *,
        prepare: Callable[[Tensor], Tensor] = lambda flat_N: flat_N,
    ) -> None:
        """Opens a space for reading.

        Args:
            store: the space.
            layout: of its experts.
            prepare: makes of an expert what its readers want, once, in the thread that loads it.
        """
        self.store = store
        self.layout = layout
        self._prepare = prepare
        self._cache = ExpertCache(store, self._decode, lambda expert_N: expert_N.nbytes, folder=expert_cache_folder())

    @property
    def space(self) -> str:
        """The space's name."""
        return self.store.names.space

    def __contains__(self, key: str) -> bool:
        return key in self.store

    def get(self, key: str) -> Tensor | None:
        """Returns an expert, [N], or None where there is none: its passage gave nothing to learn.

        Float32, or what `prepare` made of it. It is the readers' own together: nobody may change its numbers.

        Raises:
            CorruptError: it is damaged, another layout's, or has no effect.
        """
        return self._cache.get(key)

    def _decode(self, key: str, data: bytes) -> Tensor:
        try:
            flat_N = from_bytes(self.layout, data)
            check_numbers(self.layout, flat_N)
        except CorruptError as error:
            raise CorruptError(f"Expert {key} of {self.store.objects.url}: {error}", kind=error.kind) from error
        return self._prepare(flat_N)

    def prefetch(self, keys: list[str], *, wait: bool = False) -> None:
        """Begins to load experts and returns at once, or when they are near."""
        self._cache.prefetch(keys, wait=wait)

    def require_some(self) -> None:
        """Makes sure that the space is not empty.

        Raises:
            UsageError: it is; the message names the spaces that are there.
        """
        if not len(self.store):
            here = self.space
            objects = self.store.objects
            described = described_spaces(objects)
            former = [name for name, about in described.items() if "format" not in about]
            others = [name for name in described if name != here and name not in former]
            words = [f" It has {', '.join(others)}: made by another model or recipe."] if others else []
            words += [f" {', '.join(former)} {_FORMER}"] if former else []
            if here in described:
                words = [" The space is there, but nothing has been trained in it yet, or all was withdrawn."]
            raise UsageError(
                f"No experts of space {here} in {objects.url}.{''.join(words)} "
                "Run `semoe encode` with the same settings.",
                kind="missing-stage",
            )


def described_spaces(objects: Objects) -> dict[str, dict[str, Any]]:
    """Returns what each space of a store says of itself, by name; those that do not are no spaces (yet)."""
    found = dict[str, dict[str, Any]]()
    for name in filter(is_name, objects.folders("spaces/")):
        # Whoever opens one that cannot be read is told of it.
        with suppress(MissingObjectError, ValueError):
            found[name] = orjson.loads(objects.get(SpaceNames(name).described))
    return found


def _tell_of_former(objects: Objects, space: ExpertSpace) -> None:
    """Whoever updates should not wonder why all is trained again."""
    described = described_spaces(objects).items()
    former = [
        name for name, about in described if "format" not in about and about.get("base_model") == space.base_model
    ]
    if former:
        log.warning("%s: space %s %s", objects.url, ", ".join(former), _FORMER)
