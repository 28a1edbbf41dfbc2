"""Train the experts of a run's passages, and publish them to the store."""

from pipelines.pod import Needs
from pipelines.stage import stage_templates
from pipelines.workflow import workflow_template

workflow = workflow_template(
    "encode", stage_templates("encode", needs=Needs(gpu=True), counts=("trained", "tokens", "bytes"))
)
