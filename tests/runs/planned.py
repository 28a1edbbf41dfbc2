"""A planned run without questions: enough for whoever looks at stages, shards and workers, not at what they do."""

from pathlib import Path

from semoe.experts.preset import load_preset
from semoe.runs.folder import RunFolder
from semoe.runs.plan import Plan, QuestionSet, ShardSize
from semoe.store.objects import FolderObjects


def planned(folder: Path, run: str = "first", shards: int = 2) -> RunFolder:
    """Plans a run of so many shards of one question each, whose passages are not known yet."""
    found = RunFolder(FolderObjects(folder), run)
    plan = Plan(
        run=run,
        model_name="tiny",
        preset=load_preset("published"),
        augmented_by="parse",
        sets=(QuestionSet(dataset="popqa", data_type="total", num_questions=shards),),
        question_shards=(ShardSize(num_items=1),) * shards,
        topk=3,
        retriever="elasticsearch",
        index_dir="",
        index_name="wiki",
        methods=("prag",),
    )
    found.write("plan.json", plan, Plan)
    return found
