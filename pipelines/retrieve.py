"""Find the passages of a run's questions in Elasticsearch."""

from pipelines.pod import Needs
from pipelines.stage import stage_templates
from pipelines.workflow import workflow_template

templates = stage_templates("retrieve", needs=Needs(), counts=("retrieved",))
workflow = workflow_template("retrieve", templates)
