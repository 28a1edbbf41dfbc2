"""Why a workflow ended badly, as one of the package's errors: the workers' own words where there are any.

Called by the Argo back end. What an exit code means is decided by `semoe.errors` alone.
"""

from collections.abc import Iterable

from semoe.cli.cluster.workflow import Node, WorkflowState
from semoe.errors import LOST, SemoeError, TransientError, UsageError, WorkerError, meaning_of
from semoe.runs.folder import RunFolder
from semoe.runs.status import failures_of

OUT_OF_MEMORY = "OOMKilled"


def why(folder: RunFolder, state: WorkflowState | None) -> SemoeError:
    """Says what ended a run's workflow; the class says whether trying again can help."""
    if state is None:
        return UsageError(f"The workflow of run {folder.run} was deleted.", kind="deleted")
    found = [one for one in failures_of(folder) if one.time >= state.created and one.is_final]
    ends = [(one.exit_code, f"{one.stage} shard {one.shard}: {one.message}") for one in found]
    # A pod without an exit code was taken away.
    ends = ends or [(_code(node), str(node)) for node in state.failed]
    kind = _worst(code for code, _ in ends)
    # That workers were asked to stop says nothing; what stopped the workflow does.
    said = [text for code, text in ends if meaning_of(code) is kind and code != TransientError.exit_code]
    what = f"Workflow {state.name}: {state.phase}. {(said or [state.message])[0]}"
    return kind(f"{what} {_cure(kind, folder.run)}".rstrip(), kind="workflow")


def _code(node: Node) -> int:
    """A container that needs more memory than it may have needs it the next time too."""
    return WorkerError.exit_code if OUT_OF_MEMORY in node.message else int(node.exit_code or LOST)


def _worst(exit_codes: Iterable[int]) -> type[SemoeError]:
    """A wrong setting comes first: it is the user's to mend."""
    meanings = {meaning_of(code) for code in exit_codes}
    return next((one for one in (UsageError, WorkerError) if one in meanings), TransientError)


def _cure(kind: type[SemoeError], run: str) -> str:
    if kind is WorkerError:
        return f"See `semoe logs --run {run} --failed`; a pod that was OOMKilled needs more memory."
    return f"`semoe resume --run {run} --backend argo` goes on." if kind is TransientError else ""
