"""Which ends of a pod are worth another attempt: the exit codes of `semoe.errors`, and a node's loss.

A wrong configuration (2) and a bug (1) never are. `tests/e2e/test_survives.py` sees it on a real cluster.
"""

from hera.workflows import RetryStrategy
from hera.workflows.models import Backoff, IntOrString

from pipelines.parameters import workflow_parameter
from semoe.errors import TransientError

KILLED, TERMINATED = 137, 143
LOST_NODE = "pod deleted|node shutdown|[Ee]victed|[Pp]reempt|low on resource|node lost"
"""What Argo's message says of a pod that was taken away; exit codes are not known then."""

EXPRESSION = (
    f'lastRetry.message matches "{LOST_NODE}" || asInt(lastRetry.exitCode) == {TransientError.exit_code}'
    f" || (asInt(lastRetry.exitCode) in [{KILLED}, {TERMINATED}] && not (lastRetry.message matches 'OOMKilled'))"
)


def retries() -> RetryStrategy:
    """Another attempt after 10 s, 20 s, … 5 minutes."""
    return RetryStrategy(
        limit=workflow_parameter("max_attempts"),
        retry_policy="Always",
        expression=EXPRESSION,
        backoff=Backoff(duration="10s", factor=IntOrString(root=2), cap="5m"),
    )
