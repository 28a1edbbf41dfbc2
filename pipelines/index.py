"""Load a corpus into Elasticsearch; goes on after a stop, and says so when all of it is there."""

from pipelines.parameters import CORPUS
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import pod
from pipelines.workflow import workflow_template

index = pod(
    "index",
    [
        *("index", "--retriever", p("retriever"), "--encoder", p("encoder")),
        *("--data_path", p("data_path"), "--index_name", p("index_name"), "--parts", p("parts")),
        *("--quoting", p("quoting")),
    ],
)
workflow = workflow_template("index", [index], CORPUS, run=())
