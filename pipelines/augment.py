"""Turn a run's passages into rewrites and question-answer pairs."""

from pipelines.pod import Needs
from pipelines.stage import stage_templates
from pipelines.workflow import workflow_template

templates = stage_templates("augment", needs=Needs(gpu=True), counts=("passages", "pairs"))
workflow = workflow_template("augment", templates)
