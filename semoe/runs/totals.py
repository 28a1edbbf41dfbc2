"""A finished run's figures as `metrics.json` keeps them, under the names that the live metrics have.

Called by `report`. What no live metric counts is there as `{stage}_{name}`. Except for what was published, which the
commits tell, the figures are those of the attempt that finished each shard; the live metrics count every attempt.
"""

from collections import Counter

from semoe.runs.counts import RunCounts


def run_totals(counts: RunCounts, *, num_published: int) -> dict[str, float]:
    """Returns each figure by its series, as a query would write it.

    Args:
        counts: sums over shards.
        num_published: experts that the run's commits hold, of all attempts.
    """
    answered = counts.inference.questions
    rejected = Counter(counts.augment.rejected) + Counter(counts.encode.rejected)
    return {
        "semoe_retrievals_total": counts.retrieve.questions,
        "semoe_passages_retrieved_total": counts.retrieve.retrieved,
        "semoe_passages_augmented_total": counts.augment.passages + counts.encode.augmented,
        "semoe_pairs_made_total": counts.augment.pairs + counts.encode.pairs,
        "augment_without_pairs": counts.augment.without_pairs,
        "encode_passages": counts.encode.passages,
        "encode_found": counts.encode.found,
        "semoe_experts_trained_total": counts.encode.trained,
        "semoe_experts_published_total": num_published,
        "encode_without_pairs": counts.encode.without_pairs,
        "semoe_tokens_trained_total": counts.encode.tokens,
        "semoe_published_bytes_total": counts.encode.bytes,
        "encode_training_seconds": counts.encode.training_seconds,
        "encode_waiting_seconds": counts.encode.waiting_seconds,
        "inference_questions": answered,
        **{f'semoe_pairs_rejected_total{{reason="{name}"}}': n for name, n in rejected.items()},
        **{f"inference_seconds_{method}": seconds for method, seconds in counts.inference.seconds.items()},
        **{f'semoe_questions_answered_total{{method="{method}"}}': answered for method in counts.inference.seconds},
    }
