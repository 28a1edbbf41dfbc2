"""Answer a run's questions with every method of its plan."""

from pipelines.pod import Needs
from pipelines.stage import stage_templates
from pipelines.workflow import workflow_template

workflow = workflow_template(
    "inference", stage_templates("inference", needs=Needs(gpu=True, inference=True), counts=("questions",))
)
