"""What the device knows of each row: its newest token, its place, its pages and its experts.

    S slots and one more, for rows of a graph that nobody uses   K most experts of a slot   L pages of the longest slot

Kept on the host as well: a row that begins, or whose experts change, is written anew.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from semoe.experts.fused.sending import Sender
from semoe.experts.packing import Numbers
from semoe.generation.fused.paging import Paging
from semoe.generation.fused.pool import ExpertPool, name_of
from semoe.generation.request import Request
from semoe.generation.running import Running
from semoe.kernels.loaded import Loaded


class Slots:
    """Gives running rows their slots."""

    def __init__(self, num_slots: int, paging: Paging, pool: ExpertPool, scaling: float, device: torch.device) -> None:
        self._send = Sender(device)
        self._paging = paging
        self._pool = pool
        self._scaling = scaling
        self._free = list(reversed(range(num_slots)))
        self._held: dict[int, Running] = {}
        self._places_SK = np.zeros((num_slots + 1, 1), dtype=np.int32)
        self._weights_SK = np.zeros((num_slots + 1, 1), dtype=np.float32)
        self._counts_S = np.zeros(num_slots + 1, dtype=np.int32)
        self.spare = num_slots
        """The slot of rows that nobody uses."""
        self.tokens_S = torch.zeros(num_slots + 1, dtype=torch.int32, device=device)
        self.positions_S = torch.zeros(num_slots + 1, dtype=torch.int32, device=device)
        self.generation = 0
        """Counts how often the device's tables were moved."""
        self._send_all()

    @property
    def most(self) -> int:
        """K."""
        return int(self._places_SK.shape[1])

    def has_room(self, sequence: Running, *, must: bool) -> bool:
        """Whether a row's pages and experts fit; where they must and do not, the device says so."""
        request = sequence.request
        names = [name_of(expert_N, request.key(number)) for number, expert_N in enumerate(request.experts)]
        length = len(request.prompt) + request.max_new_tokens
        return self._pool.has_room(names, must=must) and self._paging.has_room(length, must=must)

    def take(self, sequence: Running) -> int:
        """Gives a row its slot, its pages and its experts; there must be room."""
        request = sequence.request
        count = len(request.experts)
        places = self._places(request)
        slot = self._free.pop()
        self._held[slot] = sequence
        self._paging.take(slot, len(request.prompt) + request.max_new_tokens)
        if count > self.most:
            self._widen(count)
        weights = request.weights or [1.0] * count
        self._counts_S[slot] = count
        self._places_SK[slot, :count] = places
        self._weights_SK[slot, :count] = [self._scaling * weight for weight in weights]
        return slot

    def _places(self, request: Request) -> list[int]:
        """Returns the places of a row's experts; where one cannot be brought to the device, none is in use."""
        places = list[int]()
        try:
            for number, expert_N in enumerate(request.experts):
                places.append(self._pool.take(expert_N, request.key(number)))
        except BaseException:
            for number, expert_N in enumerate(request.experts[: len(places)]):
                self._pool.give_back(expert_N, request.key(number))
            raise
        return places

    def begin(self, slots: Sequence[int]) -> None:
        """Brings slots that were taken to the device; the newest token of each is its prompt's last."""
        if (self.loaded.places_SK.shape, self.table_SL.shape) != (self._places_SK.shape, self._paging.table_SL.shape):
            self._send_all()  # a table became wider
        prompts = [self._held[slot].ids for slot in slots]
        last = np.array([prompt[-1] for prompt in prompts], dtype=np.int32)
        places = np.array([len(prompt) - 1 for prompt in prompts], dtype=np.int32)
        rows = [table[list(slots)] for table in self._tables()]
        slots_A, *sent = self._send.together(np.array(slots), last, places, *rows)
        for there, here in zip((self.tokens_S, self.positions_S, *self.loaded, self.table_SL), sent, strict=True):
            there.index_copy_(0, slots_A, here)

    def end(self, slot: int) -> None:
        """Takes a slot back."""
        request = self._held.pop(slot).request
        for number, expert_N in enumerate(request.experts):
            self._pool.give_back(expert_N, request.key(number))
        self._paging.give_back(slot)
        self._counts_S[slot] = 0
        self._free.append(slot)

    def _widen(self, count: int) -> None:
        more = ((0, 0), (0, count - self.most))
        self._places_SK = np.pad(self._places_SK, more)
        self._weights_SK = np.pad(self._weights_SK, more)

    def _send_all(self) -> None:
        places_SK, weights_SK, counts_S, table_SL = (self._send.numbers(table) for table in self._tables())
        self.loaded = Loaded(places_SK, weights_SK, counts_S)
        self.table_SL: Tensor = table_SL
        self.generation += 1

    def _tables(self) -> tuple[Numbers, ...]:
        return self._places_SK, self._weights_SK, self._counts_S, self._paging.table_SL
