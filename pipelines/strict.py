"""Makes Hera's models refuse a field they do not know; as shipped they drop a misspelt one without a word."""

import sys

from hera.shared._pydantic import APIBaseModel


def forbid_unknown_fields() -> None:
    """Has every model that is defined from now on forbid unknown fields.

    Raises:
        RuntimeError: Hera's models were imported before, so some would stay lenient.
    """
    if APIBaseModel.model_config.get("extra") == "forbid":
        return
    if "hera.workflows.models" in sys.modules:
        raise RuntimeError("Import `pipelines` before `hera.workflows`: its models are not strict yet.")
    APIBaseModel.model_config["extra"] = "forbid"
