"""Which ends of a pod are worth another attempt: the exit codes of `semoe.errors`, and a node's loss.

A wrong configuration (2) and a bug (1) never are. `tests/e2e/test_survives.py` sees it on a real cluster.
"""

from hera.workflows import RetryStrategy
from hera.workflows.models import Backoff

from pipelines.parameters import workflow_parameter
from semoe.errors import LOST, TAKEN_AWAY, TransientError

LOST_NODE = (
    "pod deleted|node shutdown|[Ee]victed|[Pp]reempt|low on resource|node lost"
    "|Pod was rejected|UnexpectedAdmissionError|enough resource|NodeAffinity|had condition"
)
"""What Argo's message says of a pod that was taken away, or that a node took and then refused."""

_CODE = "asInt(lastRetry.exitCode)"
_MESSAGE = "lastRetry.message"
_AGAIN = sorted({TransientError.exit_code, *map(int, TAKEN_AWAY), LOST})

# Below 1: Argo's -1 for no exit code, and the 0 of a worker that finished while its pod was being taken away. Only then
# the message is Argo's and the kubelet's alone; that of a worker that failed ends with the worker's own words, in which
# a run or a bucket may be called `evicted`.
EXPRESSION = (
    f'({_CODE} < 1 && {_MESSAGE} matches "{LOST_NODE}")'
    f" || ({_CODE} in {_AGAIN} && not ({_MESSAGE} matches 'OOMKilled .exit code'))"
)
"""Holds for what `semoe.errors.meaning_of` calls transient, but for a pod that wanted more memory than it may have."""


def retries() -> RetryStrategy:
    """Another attempt every 20 seconds: a limit on the wait (`cap`) is not known to every Argo."""
    return RetryStrategy(
        limit=workflow_parameter("max_attempts"),
        retry_policy="Always",
        expression=EXPRESSION,
        backoff=Backoff(duration="20s"),
    )
