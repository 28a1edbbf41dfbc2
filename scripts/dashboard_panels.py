"""The panels of the Grafana dashboard **Runs**, as data; `dashboard` makes Grafana's JSON of them.

Few, and each with a sentence that says what to think of it. What the metrics are is docs/metrics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HERE = 'namespace=~"$namespace"'
RATE = "$__rate_interval"
"""Grafana's own: wide enough for a rate whatever the scrape interval is."""
OF_WORKFLOW = 'exported_namespace=~"$namespace|"'
"""Argo's controller says the workflow's namespace; Prometheus calls it so unless it is told to honour labels."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What a person looks at."""

    title: str
    description: str
    unit: str
    """Grafana's name of a unit; `suffix:` and `si:` make one of our own."""
    queries: Sequence[tuple[str, str]]
    """Query and legend."""


ENDED = 'phase=~"Succeeded|Failed|Error"'


def per_second(metric: str, by: str = "") -> str:
    """The rate of a counter, over all workers."""
    return f"sum{_by(by)}(rate({metric}{{{HERE}}}[{RATE}]))"


def quantile(share: float, metric: str, by: str = "") -> str:
    """A quantile of a histogram, over all workers."""
    return f"histogram_quantile({share}, {per_second(f'{metric}_bucket', f'le, {by}' if by else 'le')})"


def _by(labels: str) -> str:
    return f" by ({labels}) " if labels else ""


ROWS: dict[str, Sequence[Panel]] = {
    "Progress": (
        Panel(
            "Items of the shards in hand",
            "How many items the shards that are being worked on have, and how many of them are done. A shard that is "
            "finished leaves the sum; `semoe status` counts those too.",
            "none",
            (
                (f"sum by (stage) (semoe_shard_items_done{{{HERE}}})", "{{stage}}, done"),
                (f"sum by (stage) (semoe_shard_items{{{HERE}}})", "{{stage}}, all"),
            ),
        ),
        Panel(
            "Workers at work",
            "Workers that have begun a shard and are being scraped, by stage. Fewer than pods that run: the others "
            "load their model, or wait.",
            "none",
            ((f"count by (stage) (semoe_shard_items{{{HERE}}})", "{{stage}}"),),
        ),
        Panel(
            "Pods now, by phase",
            "Pods of workflows that Argo's controller sees now, in all namespaces: it does not tell them apart.",
            "none",
            (("sum by (phase) (argo_workflows_pods_gauge)", "{{phase}}"),),
        ),
        Panel(
            "Pods that ended, by phase",
            "Pods of workflows in this namespace since Argo's controller started. A failed pod is tried again unless "
            "its settings were wrong.",
            "none",
            (
                (
                    f"sum by (phase) (argo_workflows_pods_total_count{{{OF_WORKFLOW}, {ENDED}}})",
                    "{{phase}}",
                ),
            ),
        ),
    ),
    "Training": (
        Panel(
            "Experts a second",
            "Experts trained to their end, and experts committed to the store. A batch ends all at once, so short "
            "windows jump.",
            "suffix: experts/s",
            (
                (per_second("semoe_experts_trained_total"), "trained"),
                (per_second("semoe_experts_published_total"), "published"),
            ),
        ),
        Panel(
            "Tokens a second",
            "Tokens of the experts trained to their end, repetitions counted. `semoe plan --probe` measured what to "
            "expect of one worker.",
            "si: tokens/s",
            ((per_second("semoe_tokens_trained_total"), "tokens"),),
        ),
        Panel(
            "Loss at the last step",
            "Mean over the experts trained in the window. A mean that climbs from shard to shard points at the data or "
            "the learning rate.",
            "short",
            ((f"{per_second('semoe_training_loss_sum')} / {per_second('semoe_training_loss_count')}", "mean"),),
        ),
        Panel(
            "Seconds of an optimiser step",
            "From one step to the next, publishing left out. A p95 far above the median: steps of very different "
            "sizes, or a machine that is shared.",
            "s",
            ((quantile(0.5, "semoe_step_seconds"), "median"), (quantile(0.95, "semoe_step_seconds"), "p95")),
        ),
    ),
    "GPU": (
        Panel(
            "GPU busy",
            "Share of the time in which a kernel ran, by pod and GPU. Well below 100 % while a shard trains: the GPU "
            "waits for the host or for the store. Empty without NVML.",
            "percentunit",
            ((per_second("semoe_gpu_busy_seconds_total", "pod, gpu"), "{{pod}}, GPU {{gpu}}"),),
        ),
        Panel(
            "Useful FLOP/s",
            "Four for each weight and token of the experts trained to their end; compare it with what the GPU can do. "
            "A GPU that is busy and does little has small batches or slow kernels.",
            "flops",
            ((per_second("semoe_training_flops_total"), "useful"),),
        ),
        Panel(
            "GPU memory used, of all",
            "Share of each GPU's memory that is in use, by whatever program. Much that is free: `--tokens_per_step` "
            "may be larger. Empty without NVML.",
            "percentunit",
            (
                (
                    f"sum by (pod, gpu) (semoe_gpu_memory_used_bytes{{{HERE}}}) / "
                    f"sum by (pod, gpu) (semoe_gpu_memory_bytes{{{HERE}}})",
                    "{{pod}}, GPU {{gpu}}",
                ),
            ),
        ),
        Panel(
            "Experts that wait to be published",
            "Trained, and not yet in a pack, by pod. It goes up and down; where it stays high, training waits for the "
            "store.",
            "none",
            ((f"sum by (pod) (semoe_experts_waiting{{{HERE}}})", "{{pod}}"),),
        ),
    ),
    "Store": (
        Panel(
            "Seconds to publish a pack",
            "Writing and committing one pack of experts, in a thread of its own: training waits only once a "
            "gigabyte of experts waits.",
            "s",
            ((quantile(0.5, "semoe_publish_seconds"), "median"), (quantile(0.95, "semoe_publish_seconds"), "p95")),
        ),
        Panel(
            "Published bytes a second",
            "Bytes of experts committed to the store.",
            "Bps",
            ((per_second("semoe_published_bytes_total"), "experts"),),
        ),
        Panel(
            "S3 calls a second, by outcome",
            "`ok`, or the kind of error that was left after the retries. `missing-object` is an ordinary answer: the "
            "program asks whether something is there.",
            "suffix: calls/s",
            ((per_second("semoe_s3_requests_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Seconds of an S3 call, p95",
            "By operation, retries included.",
            "s",
            ((quantile(0.95, "semoe_s3_request_seconds", "operation"), "{{operation}}"),),
        ),
    ),
    "Retrieval, augmentation, answers": (
        Panel(
            "Elasticsearch requests a second, by outcome",
            "`ok`, or the kind of error; each attempt counts, so a node that is away shows while workers still wait "
            "for it. A worker of a few requests may be gone before a second scrape, without which there is no rate.",
            "suffix: requests/s",
            ((per_second("semoe_elasticsearch_requests_total", "outcome"), "{{outcome}}"),),
        ),
        Panel(
            "Question-answer pairs a second",
            "Pairs that augmentation kept, and what it rejected, by reason.",
            "suffix: pairs/s",
            (
                (per_second("semoe_pairs_made_total"), "kept"),
                (per_second("semoe_pairs_rejected_total", "reason"), "{{reason}}"),
            ),
        ),
        Panel(
            "Questions answered a second, by method",
            "A question counts once for each inference method; `…_random` is the control.",
            "suffix: questions/s",
            ((per_second("semoe_questions_answered_total", "method"), "{{method}}"),),
        ),
        Panel(
            "Retrievals and switches a second",
            "Queries that a retriever answered, and changes of passages and experts while an answer was written. "
            "Switches are 0 where every question is answered in one go.",
            "suffix: /s",
            (
                (per_second("semoe_retrievals_total"), "retrievals"),
                (per_second("semoe_switches_total"), "switches"),
            ),
        ),
        Panel(
            "Where experts lay when asked for",
            "Share of the experts that answers needed: in memory, on the worker's disk, in the store, or nowhere "
            "(their passage gave nothing to learn).",
            "percentunit",
            (
                (
                    f"{per_second('semoe_cache_lookups_total', 'outcome')} / ignoring (outcome) group_left () "
                    f"{per_second('semoe_cache_lookups_total')}",
                    "{{outcome}}",
                ),
            ),
        ),
    ),
    "Errors": (
        Panel(
            "Attempts that ended with an error, by kind",
            "Attempts of the last five minutes. `stopped` is a worker that was asked to end. `semoe status` shows the "
            "first error's text.",
            "none",
            ((f"sum by (kind) (max_over_time(semoe_errors_total{{{HERE}}}[5m]))", "{{kind}}"),),
        ),
    ),
}
