"""The objects with which a space describes itself; one that is broken is named, with what writes it anew."""

from contextlib import suppress
from typing import Any

import orjson
from safetensors import SafetensorError, deserialize

from semoe.errors import CorruptError
from semoe.store.object_names import SpaceNames
from semoe.store.objects import MissingObjectError, Objects


def read_description(objects: Objects, name: str) -> dict[str, Any]:
    """Returns what `space.json` or `adapter_config.json` says.

    Raises:
        CorruptError: it is no JSON, or no object.
        MissingObjectError: it is not there.
    """
    try:
        found = orjson.loads(objects.get(name))
    except ValueError as error:
        raise _broken(objects, name, str(error)) from error
    if not isinstance(found, dict):
        raise _broken(objects, name, f"expected an object, found {type(found).__name__}")
    return found


def require_descriptions(objects: Objects, names: SpaceNames) -> None:
    """Makes sure that the objects which describe a space can be read; what an early version did not keep may lack.

    Raises:
        CorruptError: one is broken.
    """
    for name in (names.described, names.adapter_config):
        with suppress(MissingObjectError):
            read_description(objects, name)
    with suppress(MissingObjectError):
        try:
            deserialize(objects.get(names.base_weight))  # type: ignore[no-untyped-call]
        except SafetensorError as error:
            raise _broken(objects, names.base_weight, str(error)) from error


def _broken(objects: Objects, name: str, why: str) -> CorruptError:
    return CorruptError(
        f"{objects.url}/{name} is broken ({why}). Remove it, and space.json beside it; `semoe encode` with the "
        "settings of its experts writes both anew.",
        kind="corrupt",
    )
