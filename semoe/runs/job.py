"""One shard of one stage, as the function that does it sees it: what to do, where, how far it is, when to stop."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from threading import Lock
from typing import TypeVar

from semoe.datasets.augmented import AugmentedPassage
from semoe.datasets.keys import passage_key
from semoe.errors import UsageError
from semoe.models.devices import device_name
from semoe.models.dtypes import torch_dtype
from semoe.models.identity import difference
from semoe.models.model import Model, load_model
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan
from semoe.runs.records import HEARTBEAT_SECONDS, Heartbeat, SetAside
from semoe.stages.recipe import Recipe
from semoe.stages.train import Stop
from semoe.store.expert_store import fresh_token
from semoe.store.times import COMMIT_SECONDS
from semoe.telemetry.counting import metrics

T = TypeVar("T")
log = logging.getLogger(__name__)


@dataclass(kw_only=True, slots=True)
class Job:
    """A shard in hand."""

    folder: RunFolder
    plan: Plan
    stage: str
    shard: int
    stop: Stop
    """True once the worker is asked to end; what is finished by then is kept."""
    commit_seconds: float = COMMIT_SECONDS
    device: str = "auto"
    """Of the base model."""
    worker: str = field(default_factory=fresh_token)
    augment_processes: int | None = None
    """Beside the model, where its worker augments; None: as the device asks for."""
    computed_on: str = ""
    """The device of the model in words, once it is loaded."""
    _done: float = 0
    _before: float = 0
    _total: int = 0
    _started: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _said: StringIO = field(default_factory=StringIO)
    _earlier_seconds: float | None = None
    _lock: Lock = field(default_factory=Lock)
    """Training and what is augmented ahead of it both tell of what is done."""

    @property
    def recipe(self) -> Recipe:
        """What decides an expert of this run."""
        plan = self.plan
        cot_of = plan.sets[0].dataset if plan.with_cot else None
        return Recipe.of(plan.model_name, plan.preset, augment_model=plan.augmented_by, cot_of=cot_of)

    def load_model(self) -> Model:
        """Loads the base model of the plan.

        Raises:
            UsageError: it is not the one, or not the recipe, that the run was planned with.
        """
        model = load_model(
            self.plan.model_name,
            dtype=torch_dtype(self.plan.dtype),
            device=self.device,
            template_arguments=self.plan.preset.chat.values(),
        )
        self.computed_on = device_name(model.decoder.device)
        self.require_planned(model.digest)
        if (space := self.recipe.space(model).name) != self.plan.space:
            raise UsageError(
                f"Run {self.plan.run} was planned for experts of space {self.plan.space}, here they would be of "
                f"{space}: template, worked examples or the version of SEMOE and its rules changed since. "
                "Plan the run anew.",
                kind="other-space",
            )
        return model

    def require_planned(self, digest: str) -> None:
        """Makes sure that the base model here is the planned one.

        Raises:
            UsageError: it is another; the message says what of it differs.
        """
        if digest != self.plan.model_digest:
            raise UsageError(
                f"{self.plan.model_name} is another model here than run {self.plan.run} was planned with: its "
                f"{difference(digest, self.plan.model_digest)} differ. Give this machine the planned model, or plan "
                "the run anew.",
                kind="other-model",
            )

    @property
    def seconds(self) -> float:
        """Since this attempt began."""
        return time.monotonic() - self._started

    def begin(self, total: int, done: int = 0) -> None:
        """Says how much there is, and how much of it was done before."""
        self._total = total
        self._done = self._before = done
        metrics.shard_items.labels(self.stage).set(total)
        metrics.shard_items_done.labels(self.stage).set(done)
        log.info("%s shard %d: %d of %d were done before", self.stage, self.shard, done, total)
        self.tell()

    def advance(self, done: float = 1) -> None:
        """Says that more is done."""
        with self._lock:
            self._done += done
            is_due = time.monotonic() - self._told > HEARTBEAT_SECONDS
        metrics.shard_items_done.labels(self.stage).inc(done)
        if is_due:
            self.tell()

    def pass_over(self, done: float = 1) -> None:
        """Says that more needs no work: it was done before, or there is nothing to be done. No rate counts it."""
        with self._lock:
            self._before += done
        self.advance(done)

    def set_aside(self, passage: AugmentedPassage, why: str) -> None:
        """Goes on without a passage, and keeps that and why."""
        log.warning("passage %s (%s) is set aside: %s", passage.id, passage.title, why)
        key = passage_key(passage.title, passage.passage)
        self.folder.set_aside(SetAside(key=key, id=passage.id, title=passage.title, shard=self.shard, why=why))

    def tell(self) -> None:
        """Writes heartbeat and log to the store."""
        self._told = time.monotonic()
        beat = Heartbeat(
            done=self._done,
            total=self._total,
            time=time.time(),
            seconds=self.seconds,
            worker=self.worker,
            before=self._before,
            earlier_seconds=self._earlier(),
        )
        self.folder.write_heartbeat(self.stage, self.shard, beat)
        self.folder.write_log(self.stage, self.shard, self.worker, self._said.getvalue())

    def _earlier(self) -> float:
        """Returns the seconds of the attempts before this one."""
        if self._earlier_seconds is None:
            last = self.folder.find_heartbeat(self.stage, self.shard)
            self._earlier_seconds = last.earlier_seconds + last.seconds if last else 0.0
        return self._earlier_seconds

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Keeps what is logged meanwhile, and writes it to the store at the end, whatever happens."""
        handler = logging.StreamHandler(self._said)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        root = logging.getLogger("semoe")
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        try:
            yield
        except BaseException as error:
            log.error("%s: %s", type(error).__name__, error)  # noqa: TRY400  (the traceback is the caller's)
            raise
        finally:
            root.removeHandler(handler)
            self._tell_at_last()

    def _tell_at_last(self) -> None:
        """What ended the work is the error to hear of, not that the store then took no log."""
        try:
            self.tell()
        except Exception as error:
            log.warning("the last heartbeat and log were not written: %s", error)

    def parts(self, prefix: str, items: Sequence[T], size: int) -> Iterator[tuple[str, Sequence[T]]]:
        """Yields the parts of `items` that have no object yet, with the object's name; ends early when asked to."""
        there = set(self.folder.names(f"{prefix}/"))
        for start in range(0, len(items), size):
            name = f"{start // size:05}.json"
            part = items[start : start + size]
            if self.stop():
                return
            if name not in there:
                yield f"{prefix}/{name}", part
            self.advance(len(part))
