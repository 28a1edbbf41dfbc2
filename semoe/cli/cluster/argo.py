"""Runs a plan on a cluster: submits the workflow that does it, follows it, ends it. The work itself is the pods'."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from semoe import __version__
from semoe.cli.cluster.client import ARGO, VERSION, Cluster
from semoe.cli.cluster.ending import why
from semoe.cli.cluster.workflow import WorkflowState, read_workflow
from semoe.cli.output import err
from semoe.errors import SemoeError, TransientError, UsageError, unknown_name
from semoe.runs.folder import RunFolder
from semoe.runs.status import StageStatus, status_of
from semoe.words import counted

RUN_LABEL = "semoe/run"
POLL_SECONDS = 3.0
ENDING_SECONDS = 300.0
"""How long a workflow that was told to stop may take: its pods' grace, and the report."""
STUCK_SECONDS = 60.0
"""How long a pod that cannot start is waited for: what hinders it may pass, as a full node does."""
LABEL = re.compile(r"[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?")
"""What Kubernetes takes for a label."""
NAME_LENGTH = 50
"""Of a workflow's name, before what tells it from others."""


def template_name(concept: str) -> str:
    """Returns the name of a WorkflowTemplate of this version, as `pipelines/` gives it."""
    return f"semoe-{concept}-v{__version__.replace('.', '-')}"


@dataclass(kw_only=True, slots=True)
class ArgoBackend:
    """Does one run on a cluster."""

    folder: RunFolder
    cluster: Cluster
    parallelism: int | None = None
    """Pods at once; None: what the template says."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Of the template; what is not given has the installation's default."""

    def submit(self) -> str:
        """Submits the workflow; returns its name.

        Raises:
            UsageError: the template is not installed, a parameter is unknown, or the run is being done already.
        """
        there = self._settled()
        if at_work := [one for one in there if not one.is_over]:
            names = ", ".join(f"{one.name} ({one.suspended})" if one.suspended else one.name for one in at_work)
            raise UsageError(
                f"Run {self.folder.run} is at work in workflow {names}. See `semoe status`, or end it with "
                "`semoe cancel`.",
                kind="running",
            )
        name = template_name("reproduce")
        template = self.cluster.template(name)
        if template is None:
            raise UsageError(
                f"Namespace {self.cluster.namespace} has no WorkflowTemplate {name}. Install the chart helm/workers of "
                f"version {__version__}, or name another --namespace.",
                kind="no-template",
            )
        known = self._known(template)
        # What the run was given before holds for its other attempts too.
        before = {one: value for one, value in (there[0].parameters if there else {}).items() if one in known}
        return self.cluster.create_workflow(self._body(name, before | dict(self.parameters)))

    def latest(self) -> WorkflowState | None:
        """Returns the youngest workflow of the run."""
        return next(iter(self._workflows()), None)

    def _workflows(self) -> list[WorkflowState]:
        """Returns those of this name and store: another team's run may have the same name."""
        found = map(read_workflow, self.cluster.workflows(f"{RUN_LABEL}={self.folder.run}"))
        return [one for one in found if one.parameters.get("store", self.folder.objects.url) == self.folder.objects.url]

    def _settled(self) -> list[WorkflowState]:
        """Returns the run's workflows, the youngest first; waits for those that were told to stop."""
        until = time.monotonic() + ENDING_SECONDS
        while True:
            found = self._workflows()
            at_work = [one for one in found if not one.is_over]
            # One that nobody told to stop, or that is suspended, would not end meanwhile.
            will_end = all(one.is_ending and not one.is_suspended for one in at_work)
            if not at_work or not will_end or time.monotonic() >= until:
                return found
            time.sleep(POLL_SECONDS)

    def follow(self, on_look: Callable[[], None] = lambda: None) -> None:
        """Tells what changes until the workflow is over.

        Args:
            on_look: called each time; where it raises, the workflow is told to end: its workers keep what they have.

        Raises:
            SemoeError: it ended badly; the class says whether trying again can help.
        """
        told = ""
        stuck = ""
        while True:
            try:
                state = self.latest()
                stages = status_of(self.folder)
                self._look(on_look)
            except TransientError as error:
                err.print(f"{error} Still following.", soft_wrap=True)
                time.sleep(POLL_SECONDS)
                continue
            line = "; ".join(_line(one) for one in stages if one.finished != one.num_shards and one.total)
            line = line or _at_work(state)
            if line and line != told:
                err.print(line, soft_wrap=True)
                told = line
            if state and (hindered := _hindrance(state)) != stuck:
                err.print(hindered or "goes on", soft_wrap=True)
                stuck = hindered
            if state is None or state.is_over:
                break
            time.sleep(POLL_SECONDS)
        if state is None or state.phase != "Succeeded":
            raise why(self.folder, state)

    def _look(self, on_look: Callable[[], None]) -> None:
        try:
            on_look()
        except UsageError:
            self.stop()
            raise

    def stop(self) -> list[str]:
        """Ends the run's workflows that are at work; returns their names."""
        names = [state.name for state in self._workflows() if not state.is_over]
        for name in names:
            self.cluster.stop(name)
        return names

    def _known(self, template: Mapping[str, Any]) -> list[str]:
        """Returns the template's parameters, once those that were given and the run's name are found to fit."""
        known = [str(one["name"]) for one in template["spec"]["arguments"]["parameters"]]
        for name in self.parameters:
            if name not in known:
                raise unknown_name("parameter", name, known)
        if not LABEL.fullmatch(self.folder.run):
            raise UsageError(
                f"Run {self.folder.run!r} cannot label a workflow: at most 63 letters and digits, with ., _ and - "
                "between them. Plan it under another name, with --run.",
                kind="bad-name",
            )
        return known

    def _body(self, template: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        given = dict(given) | {"run": self.folder.run, "store": self.folder.objects.url}
        spec: dict[str, Any] = {
            "workflowTemplateRef": {"name": template},
            "arguments": {"parameters": [{"name": name, "value": value} for name, value in given.items()]},
        }
        if self.parallelism:
            spec["parallelism"] = self.parallelism
        return {
            "apiVersion": f"{ARGO}/{VERSION}",
            "kind": "Workflow",
            "metadata": {"generateName": _name_of(self.folder.run), "labels": {RUN_LABEL: self.folder.run}},
            "spec": spec,
        }


def run_once(
    cluster: Cluster, concept: str, parameters: Mapping[str, str], timeout_seconds: float = 300.0
) -> WorkflowState:
    """Submits a workflow that is no run's, and waits for its end.

    One that takes longer is stopped, as is one whose pod cannot start, or one that nobody waits for any more.
    """
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    body = {
        "apiVersion": f"{ARGO}/{VERSION}",
        "kind": "Workflow",
        "metadata": {"generateName": f"semoe-{concept}-"},
        "spec": {"workflowTemplateRef": {"name": template_name(concept)}, "arguments": {"parameters": given}},
    }
    name = cluster.create_workflow(body)
    is_over = False
    try:
        state = _awaited(cluster, name, timeout_seconds)
        is_over = state.is_over
        return state
    finally:
        if not is_over:
            with suppress(SemoeError):  # the error that led here says more
                cluster.stop(name)


def _awaited(cluster: Cluster, name: str, timeout_seconds: float) -> WorkflowState:
    """Returns a workflow as it ended, or as it is after some time, or soon where it cannot start."""
    until = time.monotonic() + timeout_seconds
    told, since = "", 0.0
    while not (state := read_workflow(cluster.workflow(name))).is_over and time.monotonic() < until:
        hindered = _hindrance(state)
        if hindered and hindered != told:
            err.print(f"Workflow {name} {hindered}", soft_wrap=True)
        since = (since or time.monotonic()) if hindered else 0.0
        if since and time.monotonic() - since >= STUCK_SECONDS:
            break
        told = hindered
        time.sleep(POLL_SECONDS)
    return state


def _name_of(run: str) -> str:
    """Returns how a run's workflows are called: small letters, digits and - alone."""
    return re.sub("[^a-z0-9]+", "-", run.lower())[:NAME_LENGTH].strip("-") + "-"


def _line(one: StageStatus) -> str:
    items = f"{one.done:.0f} of {counted(one.total, 'item')}"
    shards = "? shards" if one.num_shards is None else counted(one.num_shards, "shard")
    return f"{one.stage}: {one.finished} of {shards}, {items} done"


def _at_work(state: WorkflowState | None) -> str:
    """Names the pods that run, where no stage has said yet how much there is to do."""
    found = dict.fromkeys(node.template for node in state.nodes if node.phase == "Running") if state else {}
    return f"at work: {', '.join(found)}" if found else ""


def _hindrance(state: WorkflowState) -> str:
    """Says what somebody must do before the workflow goes on; empty where nothing is in its way."""
    stuck = "; ".join(map(str, state.stuck))
    return state.suspended or (f"cannot start: {stuck}" if stuck else "")
