"""The one small table from names to swappable parts (retrievers, dataset loaders, merge rules, …)."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from semoe.errors import UsageError, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts; an unknown name answers with the known ones."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Returns a decorator that files a part under `name`.

        A cell that is run again registers its part anew; another part under a name that is taken is refused.

        Raises:
            UsageError: the name is taken.
        """

        def add(part: T) -> T:
            if name in self._parts and _origin(self._parts[name]) != _origin(part):
                raise UsageError(f"There is a {self.what} {name!r} already. Give yours another name.", kind="bad-value")
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


def _origin(part: object) -> tuple[str, str]:
    """Returns the module and the name under which a part was written down."""
    return getattr(part, "__module__", ""), getattr(part, "__qualname__", repr(part))
