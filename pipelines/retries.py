"""Which ends of a pod are worth another attempt: the exit codes of `semoe.errors`, and a node's loss.

A wrong configuration (2) and a bug (1) never are. `tests/e2e/test_survives.py` sees it on a real cluster.
"""

from hera.workflows import RetryStrategy
from hera.workflows.models import Backoff

from pipelines.parameters import workflow_parameter
from semoe.errors import TransientError

KILLED, TERMINATED, LOST = 137, 143, 255
LOST_NODE = (
    "pod deleted|node shutdown|[Ee]victed|[Pp]reempt|low on resource|node lost"
    "|Pod was rejected|UnexpectedAdmissionError|enough resource|NodeAffinity|had condition"
)
"""What Argo's message says of a pod that was taken away, or that a node took and then refused; it has no exit code."""

EXPRESSION = (
    f'lastRetry.message matches "{LOST_NODE}" || asInt(lastRetry.exitCode) in [{TransientError.exit_code}, {LOST}]'
    f" || (asInt(lastRetry.exitCode) in [{KILLED}, {TERMINATED}] && not (lastRetry.message matches 'OOMKilled'))"
)


def retries() -> RetryStrategy:
    """Another attempt every 20 seconds: a limit on the wait (`cap`) is not known to every Argo."""
    return RetryStrategy(
        limit=workflow_parameter("max_attempts"),
        retry_policy="Always",
        expression=EXPRESSION,
        backoff=Backoff(duration="20s"),
    )
