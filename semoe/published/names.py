"""How experts are named to users: the published `offline/…` and `output/…` trees."""

from dataclasses import dataclass
from pathlib import Path

from semoe.errors import UsageError

SHOWN = 12
"""Digits of a base weight's key in a folder's name."""


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
    base_weight: str = ""
    """The key of the one that was given; empty: none was."""

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

    def known_folders(self, root: Path) -> tuple[Path, Path]:
        """Where experts of this name may lie: `folder`, and as the published README writes it, without the mode."""
        model = self._model(root / "offline")
        recipe = Path(safe(self.dataset)) / f"lr={self.learning_rate}_epoch={self.epochs}"
        return self.folder(root), model / recipe / self._augmented / safe(self.data_type)

    def _model(self, top: Path) -> Path:
        return top / safe(self.model) / f"rank={self.rank}_alpha={self.alpha}"

    @property
    def _recipe(self) -> Path:
        suffix = "" if self.preset == "published" else f"_preset={safe(self.preset)}"
        suffix += f"_base={self.base_weight[:SHOWN]}" if self.base_weight else ""
        mode = "cot" if self.cot else "direct"
        return Path(safe(self.dataset)) / f"lr={self.learning_rate}_epoch={self.epochs}_{mode}{suffix}"

    @property
    def _augmented(self) -> str:
        return f"aug_model={safe(self.augment_model)}"


def safe(name: str) -> str:
    """Returns the last component of a name or path, fit to be a folder.

    Raises:
        UsageError: nothing is left, or it would leave the tree.
    """
    last = Path(name).name
    if last in ("", ".", ".."):
        raise UsageError(f"{name!r} cannot name a folder.", kind="bad-name")
    return last
