"""Passages of a space that give nothing to learn, and why: they have no expert, and nobody tries them again.

    spaces/{space}/barren/{run}/{shard}-{digest}.json   reason by key

Under the digest of what it says: whoever finds the same again writes nothing new. See docs/store-format.md.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import orjson

from semoe.errors import CorruptError
from semoe.store.digest import digest
from semoe.store.object_names import SpaceNames
from semoe.store.objects import Objects

READERS = 16
NO_PAIRS = "no pairs could be made of it"
NO_SEQUENCE = "its pairs leave nothing that fits into a sequence"


class Barren:
    """Those of one space, read when somebody first asks."""

    def __init__(self, objects: Objects, names: SpaceNames) -> None:
        self._objects = objects
        self._names = names
        self._found: dict[str, str] | None = None

    @property
    def reasons(self) -> Mapping[str, str]:
        """Why, by key: of what was known when this was first asked for, and of what was added since.

        Raises:
            CorruptError: an object is not what it should be.
            TransientError: the store does not answer.
        """
        if self._found is None:
            names = [found.name for found in self._objects.list(self._names.barren)]
            with ThreadPoolExecutor(READERS) as pool:
                self._found = {key: why for part in pool.map(self._read, names) for key, why in part.items()}
        return self._found

    def __contains__(self, key: str) -> bool:
        return key in self.reasons

    def add(self, found: Mapping[str, str], *, run: str, shard: int = 0) -> None:
        """Keeps which passages give nothing to learn, and why; those that are known already are not written again.

        Args:
            found: reason by key.
            run: that found out.
            shard: the part of it.
        """
        new = {key: why for key, why in found.items() if key not in self.reasons}
        if new:
            data = orjson.dumps(new, option=orjson.OPT_SORT_KEYS)
            self._objects.put(self._names.shard_barren(run, shard, digest(data).hex()[:16]), data)
            self._found = {**self.reasons, **new}

    def _read(self, name: str) -> dict[str, str]:
        try:
            found = orjson.loads(self._objects.get(name))
            return {str(key): str(why) for key, why in found.items()}
        except (ValueError, AttributeError) as error:
            raise CorruptError(
                f"{self._objects.url}/{name} is damaged ({error}). Remove it.", kind="corrupt"
            ) from error
