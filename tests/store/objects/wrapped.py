"""A back end around another one: it counts what is read and written, and a test overrides what shall go otherwise."""

from collections.abc import Iterator, Sequence

from semoe.store.objects import Objects, Stored


class Wrapped:
    """Passes everything on; `act` is called before and after each write."""

    def __init__(self, inner: Objects) -> None:
        self._inner, self.writes, self.reads = inner, 0, list[str]()

    url = "wrapped"

    def act(self) -> None:
        self.writes += 1

    def put(self, name: str, *data: bytes) -> None:
        self.act()
        self._inner.put(name, *data)
        self.act()

    def create(self, name: str, data: bytes) -> bool:
        self.act()
        done = self._inner.create(name, data)
        self.act()
        return done

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        self.reads.append(name)
        return self._inner.get(name, start, length)

    def list(self, prefix: str) -> Iterator[Stored]:
        return self._inner.list(prefix)

    def folders(self, prefix: str) -> Sequence[str]:
        return self._inner.folders(prefix)

    def delete(self, name: str) -> None:
        self._inner.delete(name)
