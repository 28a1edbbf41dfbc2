"""Check, from where the workers are, what they need: store, Elasticsearch, accelerator."""

from pipelines.parameters import RUN
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import Needs, pod
from pipelines.workflow import workflow_template

doctor = pod("doctor", ["doctor", "--elasticsearch", "--store", p("store")], needs=Needs(gpu=True), with_retries=False)
workflow = workflow_template("doctor", [doctor], RUN[1:], run=())
