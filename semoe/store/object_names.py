"""Where the objects of one space lie, and which commit is which."""

import re
from dataclasses import dataclass

from semoe.store.objects import check_name
from semoe.store.pack import index_name, pack_name

_COMMIT = re.compile(r"/[0-9]+-[0-9]+\.json$")
_SEGMENT = re.compile(r"/[A-Za-z0-9]+\.(pack|idx)$")


@dataclass(frozen=True, slots=True)
class SpaceNames:
    """The names of a space's objects."""

    space: str

    @property
    def root(self) -> str:
        """The space's folder."""
        return check_name(f"spaces/{self.space}")

    @property
    def described(self) -> str:
        """What the space is."""
        return f"{self.root}/space.json"

    @property
    def base_weight(self) -> str:
        """The weight that every expert starts from."""
        return f"{self.root}/base.safetensors"

    @property
    def adapter_config(self) -> str:
        """PEFT's configuration, the same for every expert of the space."""
        return f"{self.root}/adapter_config.json"

    @property
    def commits(self) -> str:
        """Prefix of all commits."""
        return f"{self.root}/commits/"

    @property
    def snapshots(self) -> str:
        """Prefix of all snapshots."""
        return f"{self.root}/snapshots/"

    @property
    def segments(self) -> str:
        """Prefix of all packs and indexes."""
        return f"{self.root}/segments/"

    @property
    def withdrawn(self) -> str:
        """Prefix of the marks on packs that must not be used."""
        return f"{self.root}/withdrawn/"

    @property
    def barren(self) -> str:
        """Prefix of what is known of passages that give nothing to learn."""
        return f"{self.root}/barren/"

    @property
    def states(self) -> str:
        """Prefix of the states that readers kept."""
        return f"{self.root}/states/"

    def pack(self, segment: str) -> str:
        """A pack."""
        return f"{self.root}/{pack_name(segment)}"

    def index(self, segment: str) -> str:
        """A pack's index."""
        return f"{self.root}/{index_name(segment)}"

    def shard_commits(self, run: str, shard: int) -> str:
        """Prefix of the commits of one shard of a run."""
        return f"{self.commits}{check_name(run)}/{shard:05}-"

    def shard_barren(self, run: str, shard: int, digest: str) -> str:
        """What one shard of a run found to give nothing to learn."""
        return f"{self.barren}{check_name(run)}/{shard:05}-{digest}.json"

    def snapshot(self, number: int) -> str:
        """A snapshot."""
        return f"{self.snapshots}{number:08}.snap"

    def state(self, digest: str) -> str:
        """A state."""
        return f"{self.states}{digest}.json"


def number_of(name: str) -> int:
    """Returns the number that a commit or snapshot ends with; 0 for one that has none."""
    digits = name.rpartition("/")[2].partition(".")[0].rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def is_commit(name: str) -> bool:
    """Whether a name is a commit's."""
    return bool(_COMMIT.search(name))


def is_segment(name: str) -> bool:
    """Whether a name is a pack's or an index's."""
    return bool(_SEGMENT.search(name))
