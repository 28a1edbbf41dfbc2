"""How experts are named to users: the published `offline/…` and `output/…` trees, and the home behind them.

An expert lives once, under its key; the published folders are links to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from semoe.errors import CorruptError, UsageError
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
        return self._model(root / "offline") / "experts" / safe(space) / safe(key)[:2] / safe(key)

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
    """Yields every expert under `root`, in order of model, space and key.

    Raises:
        CorruptError: an `expert.json` lacks what a row needs.
    """
    for path in sorted((root / "offline").glob(f"*/rank=*/experts/*/??/*/{RECORD}")):
        # A folder with a dot is a write that a kill cut short: no expert yet.
        if not path.parent.name.startswith("."):
            yield _row(path, path.relative_to(root / "offline").parts[0])


def _row(path: Path, model: str) -> ExpertRow:
    record = read_json(path)
    try:
        own = (record["key"], record["space"], model, record["title"], len(record["qa"]), float(record["loss"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptError(
            f"{path} lacks key, space, title, qa or loss. Encode the expert again.", kind="corrupt"
        ) from error
    return ExpertRow(*own, path.parent)
