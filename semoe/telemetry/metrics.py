"""Every metric that a worker exports: its name, unit, meaning and labels, in this one place.

The package counts on the one instance `counting.metrics`, in Prometheus's default registry; tests make one of their
own. No label holds a run, a shard, a passage or an expert: how many series there are must not grow with the work.
docs/metrics.md tells users the same.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry

from semoe.errors import SemoeError
from semoe.telemetry.declare import Declarations

# The next three say again what higher layers say, which telemetry may not import; a test holds them to each other.
METHODS = ("none", "icl", "prag", "combine", "prag_random", "combine_random")
STAGES = ("retrieve", "augment", "encode", "inference")
REJECTIONS = (
    "answer-not-in-passage", "no-question", "question-holds-answer", "not-recovered", "duplicate-question",
    "rewrite-off-topic", "answer-in-question", "answer-too-long", "answer-empty", "pronoun-answer",
    "question-length", "question-off-topic",
)  # fmt: skip
OK = "ok"
OTHER = "other"
S3_OPERATIONS = ("put", "create", "get", "list", "delete")
S3_OUTCOMES = (
    OK, "missing-object", "corrupt", "s3-refused", "s3-credentials", "s3-settings", "s3-unreachable", "s3-busy",
    "s3-conflict", "s3-full", OTHER,
)  # fmt: skip
ELASTICSEARCH_OPERATIONS = ("search", "bulk", "manage")
ELASTICSEARCH_OUTCOMES = (
    OK, "missing-index", "es-refused", "es-credentials", "es-forbidden", "es-certificate", "es-unreachable", "es-busy",
    "es-settings", "es-too-large", OTHER,
)  # fmt: skip
LOOKUPS = ("memory", "disk", "store", "missing")

CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
STEP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PUBLISH_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
LOSS_BUCKETS = (0.001, 0.01, 0.03, 0.1, 0.3, 1, 2, 3, 5, 10)


class Metrics:
    """The metrics of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        to = Declarations(registry)
        self.experts_trained = to.counter("experts_trained_total", "experts", "Experts trained to their end.")
        self.tokens_trained = to.counter(
            "tokens_trained_total", "tokens", "Tokens of the experts trained to their end, repetitions counted."
        )
        self.training_flops = to.counter(
            "training_flops_total", "flops",
            "Useful floating-point operations of training: four for each weight and token.",
        )  # fmt: skip
        self.training_loss = to.histogram(
            "training_loss", "nats", "Loss of each trained expert at its last step; _sum / _count is the mean.",
            LOSS_BUCKETS,
        )  # fmt: skip
        self.losses_not_finite = to.counter(
            "losses_not_finite_total", "experts", "Trained experts whose last loss is infinite or not a number."
        )
        self.step_seconds = to.histogram(
            "step_seconds", "seconds", "From one optimiser step to the next, without publishing.", STEP_BUCKETS
        )
        self.publish_seconds = to.histogram(
            "publish_seconds", "seconds", "Writing and committing one pack of experts.", PUBLISH_BUCKETS
        )
        self.published_bytes = to.counter("published_bytes_total", "bytes", "Bytes of the experts committed.")
        self.experts_published = to.counter("experts_published_total", "experts", "Experts committed to the store.")
        self.experts_waiting = to.gauge("experts_waiting", "experts", "Trained experts that wait to be published.")
        # Of every GPU that the driver shows; there from the first sample on.
        self.gpu_busy_seconds = to.counter(
            "gpu_busy_seconds_total", "seconds", "Seconds in which a kernel ran on the GPU.", gpu=()
        )
        self.gpu_memory_used_bytes = to.gauge(
            "gpu_memory_used_bytes", "bytes", "Memory of the GPU in use, by whatever program.", gpu=()
        )
        self.gpu_memory_bytes = to.gauge("gpu_memory_bytes", "bytes", "Memory of the GPU, all of it.", gpu=())
        self.s3_requests = to.counter(
            "s3_requests_total", "calls", "Calls to S3, the retries of each included.",
            operation=S3_OPERATIONS, outcome=S3_OUTCOMES,
        )  # fmt: skip
        self.s3_request_seconds = to.histogram(
            "s3_request_seconds", "seconds", "A call to S3, its retries included.", CALL_BUCKETS,
            operation=S3_OPERATIONS,
        )  # fmt: skip
        self.elasticsearch_requests = to.counter(
            "elasticsearch_requests_total", "requests", "Requests to Elasticsearch, each attempt counted.",
            operation=ELASTICSEARCH_OPERATIONS, outcome=ELASTICSEARCH_OUTCOMES,
        )  # fmt: skip
        self.elasticsearch_request_seconds = to.histogram(
            "elasticsearch_request_seconds", "seconds", "A request to Elasticsearch.",
            CALL_BUCKETS, operation=ELASTICSEARCH_OPERATIONS,
        )  # fmt: skip
        self.cache_lookups = to.counter(
            "cache_lookups_total", "lookups", "Experts asked for, by where they lay.", outcome=LOOKUPS
        )
        self.retrievals = to.counter("retrievals_total", "queries", "Queries that a retriever answered.")
        self.passages_retrieved = to.counter(
            "passages_retrieved_total", "passages", "Passages that retrievers returned, repetitions counted."
        )
        self.switches = to.counter(
            "switches_total", "switches", "Passages and experts that were changed while an answer was written."
        )
        self.passages_augmented = to.counter(
            "passages_augmented_total", "passages", "Passages turned into question-answer pairs."
        )
        self.pairs_made = to.counter("pairs_made_total", "pairs", "Question-answer pairs that were kept.")
        self.pairs_rejected = to.counter(
            "pairs_rejected_total", "pairs", "Pairs and rewrites that were not kept, by reason.", reason=REJECTIONS
        )
        self.questions_answered = to.counter(
            "questions_answered_total", "questions", "Questions answered, by inference method.", method=METHODS
        )
        self.shard_items = to.gauge("shard_items", "items", "Items of the shard in hand.", stage=STAGES)
        self.shard_items_done = to.gauge(
            "shard_items_done", "items", "Of them, done; parts of an expert count.", stage=STAGES
        )
        self.errors = to.counter(
            "errors_total", "errors", "Errors that ended a shard's attempt, by kind; stopped: it was asked to.", kind=()
        )
        self.errors.labels("stopped")  # there from the start, as the others' kinds cannot be
        self.declared = tuple(to.all)

    def expert_trained(self, *, loss: float, num_tokens: int, flops: float = 0.0) -> None:
        """Counts an expert; a loss that is not finite would spoil the mean and is counted apart."""
        self.experts_trained.inc()
        self.tokens_trained.inc(num_tokens)
        self.training_flops.inc(flops)
        if math.isfinite(loss):
            self.training_loss.observe(loss)
        else:
            self.losses_not_finite.inc()

    def published(self, *, num_experts: int, num_bytes: int, seconds: float) -> None:
        """Counts a pack that was committed."""
        self.experts_published.inc(num_experts)
        self.published_bytes.inc(num_bytes)
        self.publish_seconds.observe(seconds)

    def gpu_sampled(self, gpu: str, *, busy_seconds: float, used_bytes: int, all_bytes: int) -> None:
        """Counts how long a GPU was busy since its last sample, and says how its memory is now."""
        self.gpu_busy_seconds.labels(gpu).inc(busy_seconds)
        self.gpu_memory_used_bytes.labels(gpu).set(used_bytes)
        self.gpu_memory_bytes.labels(gpu).set(all_bytes)

    def forget_gpus(self) -> None:
        """Ends the series of all GPUs, once nobody samples them any more."""
        self.gpu_busy_seconds.clear()
        self.gpu_memory_used_bytes.clear()
        self.gpu_memory_bytes.clear()

    def augmented(self, *, num_passages: int, num_pairs: int, rejected: Mapping[str, int]) -> None:
        """Counts passages that were augmented, the pairs they gave, and by reason what was not kept."""
        self.passages_augmented.inc(num_passages)
        self.pairs_made.inc(num_pairs)
        for reason, count in rejected.items():
            self.pairs_rejected.labels(reason).inc(count)

    @contextmanager
    def s3_call(self, operation: str) -> Iterator[None]:
        """Counts and times a call to S3; its outcome is `ok` or the kind of the error that leaves the block."""
        started = time.monotonic()
        outcome = OTHER
        try:
            yield
            outcome = OK
        except SemoeError as error:
            outcome = error.kind if error.kind in S3_OUTCOMES else OTHER
            raise
        finally:
            self.s3_requests.labels(operation, outcome).inc()
            self.s3_request_seconds.labels(operation).observe(time.monotonic() - started)

    def elasticsearch_called(self, operation: str, outcome: str, seconds: float) -> None:
        """Counts a request to Elasticsearch; `outcome` is `ok` or the kind of the error that it gave."""
        known = outcome if outcome in ELASTICSEARCH_OUTCOMES else OTHER
        self.elasticsearch_requests.labels(operation, known).inc()
        self.elasticsearch_request_seconds.labels(operation).observe(seconds)

    @contextmanager
    def count_errors(self) -> Iterator[None]:
        """Counts the error that leaves the block; also a decorator."""
        try:
            yield
        except Exception as error:
            self.errors.labels(error.kind if isinstance(error, SemoeError) else type(error).__name__).inc()
            raise
