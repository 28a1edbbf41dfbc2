"""Experts as a store sees them, bytes under a key, and whether all of them are there."""

import hashlib

from semoe.store.expert_store import ExpertStore
from semoe.store.pack import Blob
from semoe.store.upkeep import verify


def blob(number: int, size: int = 50) -> Blob:
    data = bytes([number % 256]) * size + number.to_bytes(4, "big")
    key = hashlib.sha256(str(number).encode()).hexdigest()
    return Blob(key=key, data=data, title=f"T{number}", num_tokens=number, loss=0.5)


def whole(store: ExpertStore, blobs: list[Blob]) -> bool:
    return all(store.get(b.key) == b.data for b in blobs)


def intact(store: ExpertStore) -> bool:
    return not any(problem for _, problem in verify(store))
