"""How experts are named to users: the published `offline/…` and `output/…` trees, and the home behind them.

An expert lives once, under its key; the published folders are links to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semoe.errors import UsageError
from semoe.files import read_json
from semoe.store.peft_folder import RECORD


@dataclass(frozen=True, kw_only=True, slots=True)
class OfflineName:
    """The parts of a published path."""

    model: str
    rank: int
    alpha: int
    dataset: str
    learning_rate: float
    epochs: int
    cot: bool
    augment_model: str
    data_type: str
    preset: str = "published"

    def folder(self, root: Path) -> Path:
        """`offline/{model}/rank=…_alpha=…/{dataset}/lr=…_epoch=…_{cot|direct}/aug_model=…/{data_type}`."""
        return self._model(root / "offline") / self._recipe / self._augmented / safe(self.data_type)

    def passage(self, root: Path, did: int, pid: int) -> Path:
        """The folder of the expert of passage `pid` of question `did`."""
        return self.folder(root) / f"data_{did}" / f"passage_{pid}"

    def output(self, root: Path, inference_method: str) -> Path:
        """The folder of a method's answers."""
        head = self._model(root / "output") / self._recipe / self._augmented
        return head / safe(inference_method) / safe(self.data_type)

    def by_key(self, root: Path, space: str, key: str) -> Path:
        """The home of an expert."""
        return self._model(root / "offline") / "experts" / space / key[:2] / key

    def _model(self, top: Path) -> Path:
        return top / safe(self.model) / f"rank={self.rank}_alpha={self.alpha}"

    @property
    def _recipe(self) -> Path:
        suffix = "" if self.preset == "published" else f"_preset={safe(self.preset)}"
        mode = "cot" if self.cot else "direct"
        return Path(safe(self.dataset)) / f"lr={self.learning_rate}_epoch={self.epochs}_{mode}{suffix}"

    @property
    def _augmented(self) -> str:
        return f"aug_model={safe(self.augment_model)}"


@dataclass(frozen=True, slots=True)
class ExpertRow:
    """An expert of the store, as `expert.json` tells it."""

    key: str
    space: str
    model: str
    title: str
    num_pairs: int
    loss: float
    folder: Path


def safe(name: str) -> str:
    """Returns the last component of a name or path, fit to be a folder.

    Raises:
        UsageError: nothing is left, or it would leave the tree.
    """
    last = Path(name).name
    if last in ("", ".", ".."):
        raise UsageError(f"{name!r} cannot name a folder.", kind="bad-name")
    return last


def find_experts(root: Path) -> Iterator[ExpertRow]:
    """Yields every expert under `root`, in order of model, space and key."""
    for path in sorted((root / "offline").glob(f"*/rank=*/experts/*/??/*/{RECORD}")):
        record = read_json(path)
        model = path.relative_to(root / "offline").parts[0]
        yield ExpertRow(
            record["key"],
            record["space"],
            model,
            record["title"],
            len(record["qa"]),
            record["loss"],
            path.parent,
        )
