"""Experiments as the verb would make them of the command line, without one."""

from pathlib import Path

from semoe.cli.options import IndexOptions
from semoe.cli.reproduce_options import ExperimentOptions, PassageOptions
from semoe.cli.reproducing import Experimenting, read_known
from semoe.cli.runs.cutting_options import ShardOptions
from semoe.cli.runs.reckoning import EstimateOptions
from semoe.datasets.manifest import manifest


def data_folder(root: Path) -> Path:
    """Makes a folder in which every dataset has a file, and none a question: enough to plan by."""
    for name, source in manifest().items():
        (root / name).mkdir(parents=True)
        (root / name / source.file).touch()
    return root


def experimenting(name: str, data_dir: Path, **what: object) -> Experimenting:
    """An experiment with what was asked of it."""
    return Experimenting(
        config=read_known(name),
        what=ExperimentOptions(config=name, **what),  # type: ignore[arg-type]
        data=PassageOptions(data_dir=str(data_dir)),
        data_dir=data_dir,
        index_place=IndexOptions(),
        cutting=ShardOptions(),
        estimating=EstimateOptions(),
    )
