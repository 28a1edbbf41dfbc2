"""Argo workflows, defined with Hera: how SEMOE's stages fan out over a cluster.

What a pod does is the public command line; here are only names, fan-out, resources and retries. Each module holds one
WorkflowTemplate; `make manifests` renders them into `manifests/`.
"""

from pipelines.strict import forbid_unknown_fields

# Before anything imports Hera's models: they take the setting over when they are defined.
forbid_unknown_fields()
