"""Train what a corpus has gained: plan a run of its own, then do all of it; what the store has is passed over."""

from hera.workflows import Step, Steps
from hera.workflows.models import ConfigMapVolumeSource, Volume

from pipelines.parameters import CORPUS, NAMED_RUN, PLAN
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import pod
from pipelines.stage import PLACE
from pipelines.workflow import reference, workflow_template

SETTINGS_DIR = "/etc/semoe/plan"
settings = Volume(name="plan", config_map=ConfigMapVolumeSource(name=p("plan_config_map")))
plan = pod("plan", ["plan", *PLACE, "--settings", f"{SETTINGS_DIR}/settings.toml"], mounted={SETTINGS_DIR: settings})
with Steps(name="corpus") as corpus:
    Step(name="plan", template=plan.name)
    Step(name="reproduce", template_ref=reference("reproduce"))
workflow = workflow_template("corpus", [corpus, plan], [*PLAN, *CORPUS], run=NAMED_RUN)
