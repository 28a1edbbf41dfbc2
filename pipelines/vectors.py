"""Encode a corpus by many workers, each its share; `index` makes an index of what they leave in one place."""

from hera.workflows import Parameter, Step, Steps
from hera.workflows.models import IntOrString
from hera.workflows.models import Sequence as Numbers

from pipelines.parameters import CORPUS
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import Needs, pod
from pipelines.workflow import workflow_template

share = pod(
    "vectors-share",
    [
        *("index", "--retriever", "dense", "--encoder", p("encoder"), "--data_path", p("data_path")),
        *("--parts", p("parts"), "--share", f"{{{{inputs.parameters.share}}}}/{p('shares')}"),
        *("--quoting", p("quoting")),
    ],
    inputs=[Parameter(name="share")],
    needs=Needs(gpu=True),
)
with Steps(name="vectors") as vectors:
    Step(
        name="share",
        template=share.name,
        with_sequence=Numbers(count=IntOrString(root=p("shares"))),
        arguments={"share": "{{item}}"},
    )
workflow = workflow_template("vectors", [vectors, share], CORPUS, run=())
