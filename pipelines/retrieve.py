"""Find the passages of a run's questions in Elasticsearch."""

from pipelines.pod import Needs
from pipelines.stage import stage_templates
from pipelines.workflow import workflow_template

workflow = workflow_template("retrieve", stage_templates("retrieve", needs=Needs(), counts=("retrieved",)))
