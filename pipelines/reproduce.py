"""All of it: vectors, index, retrieve, augment, encode, inference; the report is the exit handler's."""

from hera.workflows import Step, Steps
from hera.workflows.models import ContinueOn

from pipelines.parameters import CORPUS
from pipelines.workflow import reference, workflow_template

HAS_CORPUS = "workflow.parameters.data_path != ''"


def _when(*conditions: str) -> str:
    """Returns a condition over parameters as Argo evaluates them: pasted in, a key with an apostrophe would end it."""
    return f"{{{{= {' && '.join(conditions)} }}}}"


with Steps(name="reproduce") as reproduce:
    Step(
        name="vectors",
        template_ref=reference("vectors"),
        when=_when(HAS_CORPUS, "workflow.parameters.parts != ''", "workflow.parameters.retriever contains 'dense'"),
        # What a worker left out the pod that indexes makes.
        continue_on=ContinueOn(failed=True, error=True),
    )
    Step(name="index", template_ref=reference("index"), when=_when(HAS_CORPUS))
    Step(name="retrieve", template_ref=reference("retrieve"))
    Step(name="augment", template_ref=reference("augment"))
    Step(name="encode", template_ref=reference("encode"))
    Step(name="inference", template_ref=reference("inference"))
workflow = workflow_template("reproduce", [reproduce], CORPUS)
