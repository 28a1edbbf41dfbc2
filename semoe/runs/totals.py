"""A finished run's figures as `metrics.json` keeps them, under the names that the live metrics have.

Called by `report`. What no live metric counts is there as `{stage}_{name}`. Except for what was published, which the
commits tell, the figures are those of the attempt that finished each shard; the live metrics count every attempt.
"""

from collections.abc import Mapping

Counts = Mapping[str, Mapping[str, float]]
_LIVE = {
    ("retrieve", "questions"): "semoe_retrievals_total",
    ("retrieve", "retrieved"): "semoe_passages_retrieved_total",
    ("augment", "passages"): "semoe_passages_augmented_total",
    ("augment", "pairs"): "semoe_pairs_made_total",
    ("encode", "trained"): "semoe_experts_trained_total",
    ("encode", "tokens"): "semoe_tokens_trained_total",
    ("encode", "published"): "semoe_experts_published_total",
    ("encode", "bytes"): "semoe_published_bytes_total",
}
_REJECTED = "rejected_"


def run_totals(counts: Counts, *, num_published: int) -> dict[str, float]:
    """Returns each figure by its series, as a query would write it.

    Args:
        counts: sums over shards, by stage and name.
        num_published: experts that the run's commits hold, of all attempts.
    """
    found = {_series(stage, name): value for stage, own in counts.items() for name, value in own.items()}
    answered = {
        f'semoe_questions_answered_total{{method="{name.removeprefix("seconds_")}"}}': counts["inference"]["questions"]
        for name in counts["inference"]
        if name.startswith("seconds_")
    }
    return found | answered | {"semoe_experts_published_total": num_published}


def _series(stage: str, name: str) -> str:
    if stage == "augment" and name.startswith(_REJECTED):
        return f'semoe_pairs_rejected_total{{reason="{name.removeprefix(_REJECTED)}"}}'
    return _LIVE.get((stage, name), f"{stage}_{name}")
