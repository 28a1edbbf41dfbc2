"""What all our WorkflowTemplates have in common: name, parameters, limits of time, the exit handler."""

from collections.abc import Sequence

from hera.workflows import Parameter, WorkflowTemplate
from hera.workflows.models import (
    LabelValueFrom,
    PodGC,
    PodSecurityContext,
    SeccompProfile,
    Template,
    TemplateRef,
    TTLStrategy,
    WorkflowMetadata,
)
from hera.workflows.protocol import Templatable

from pipelines.parameters import ACCESS, EVERY_POD, PLACEMENT, RUN, RUN_EXPRESSION, RUN_NAME, VERSION, WORKER, patch_of
from pipelines.parameters import workflow_parameter as p
from pipelines.pod import LOCKED, pod

USER = 10001
DAY = 24 * 3600
PARALLELISM = 64
REPORT = "report"


def template_name(concept: str) -> str:
    """Returns the name of a concept's WorkflowTemplate: versions stand side by side."""
    return f"semoe-{concept}-v{VERSION.replace('.', '-')}"


def reference(concept: str) -> TemplateRef:
    """Refers to the main template of another WorkflowTemplate."""
    return TemplateRef(name=template_name(concept), template=concept)


def workflow_template(
    concept: str,
    templates: Sequence[Templatable],
    parameters: Sequence[Parameter] = (),
    *,
    run: Sequence[Parameter] = RUN,
) -> WorkflowTemplate:
    """Returns a WorkflowTemplate whose entrypoint is the template that bears the concept's name.

    Args:
        concept: what it does.
        templates: its templates.
        parameters: more than all have.
        run: what says on which run it works, whose exit handler writes how far it is, whatever happened; none: on none.
    """
    return WorkflowTemplate(
        name=template_name(concept),
        labels={"app.kubernetes.io/name": "semoe", "app.kubernetes.io/version": VERSION},
        entrypoint=concept,
        arguments=[*run, *parameters, *WORKER, *PLACEMENT, *EVERY_POD, *ACCESS],
        templates=[*templates, *([_report()] if run else [])],
        on_exit=REPORT if run else None,
        workflow_metadata=WorkflowMetadata(
            labels_from={"semoe/run": LabelValueFrom(expression=RUN_EXPRESSION)} if run else None,
            labels={"app.kubernetes.io/name": "semoe"},
        ),
        service_account_name="semoe-worker",
        parallelism=PARALLELISM,
        active_deadline_seconds=7 * DAY,
        pod_gc=PodGC(strategy="OnPodSuccess", delete_delay_duration="60s"),
        ttl_strategy=TTLStrategy(seconds_after_completion=7 * DAY),
        security_context=PodSecurityContext(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            # A volume of models is large: its owner is changed once, not at each start.
            fs_group_change_policy="OnRootMismatch",
            seccomp_profile=SeccompProfile(type="RuntimeDefault"),
        ),
        pod_spec_patch=every_pod(),
    )


def every_pod() -> str:
    """What all pods have in common: more of what they ask for, and what *restricted* and quotas ask of Argo's own."""
    locked = LOCKED.model_dump(by_alias=True, exclude_none=True, mode="json")
    init, wait = (
        {"name": name, "securityContext": locked, "resources": "@executor_resources"} for name in ("init", "wait")
    )
    main = {
        "name": "main",
        "imagePullPolicy": p("image_pull_policy"),
        "resources": {"requests": "@requests", "limits": "@limits"},
        "env": "@env",
        "volumeMounts": "@volume_mounts",
    }
    return patch_of({"initContainers": [init], "containers": [wait, main], "volumes": "@volumes"})


def _report() -> Templatable | Template:
    # Where it runs at the workflow's deadline, the workers have their grace meanwhile.
    wait = ["--wait_seconds", p("grace_seconds")]
    place = ["--run", RUN_NAME, "--store", p("store")]
    return pod(REPORT, ["report", "--partial", "--said", "{{workflow.status}}", *wait, *place])
