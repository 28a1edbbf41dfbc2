"""The one small table from names to swappable parts (retrievers, dataset loaders, merge rules, …)."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from semoe.errors import unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts; an unknown name answers with the known ones."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that files a part under `name`."""

        def add(part: T) -> T:
            self._parts[name] = part
            return part

        return add

    def __getitem__(self, name: str) -> T:
        if name not in self._parts:
            raise unknown_name(self.what, name, self._parts)
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __contains__(self, name: object) -> bool:
        return name in self._parts
