"""A published experiment from its config to its report: plan it, do all of it, write the report beside the run."""

from hera.workflows import Step, Steps

from pipelines.parameters import CORPUS, EXPERIMENT, NAMED_RUN
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import pod
from pipelines.stage import PLACE
from pipelines.workflow import reference, workflow_template

ASKED = [
    *("reproduce", "--config", p("config"), "--data_dir", p("data_dir"), "--sample", p("sample")),
    *("--model_name", p("model_name"), "--retriever", p("retriever"), "--encoder", p("encoder")),
    *("--index_name", p("index_name"), "--shards", p("shards"), "--retrieve_later", *PLACE),
]
plan = pod("experiment-plan", [*ASKED, "--only", "plan"])
report = pod("experiment-report", [*ASKED, "--only", "report"])
with Steps(name="experiment") as experiment:
    Step(name="plan", template=plan.name)
    Step(name="reproduce", template_ref=reference("reproduce"))
    Step(name="report", template=report.name)
workflow = workflow_template("experiment", [experiment, plan, report], [*EXPERIMENT, *CORPUS], run=NAMED_RUN)
