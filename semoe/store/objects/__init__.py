"""Where bytes are kept: one contract, a folder and S3."""

from semoe.store.objects.contract import MissingObjectError, Objects, Stored, check_name, is_name
from semoe.store.objects.folder import FolderObjects
from semoe.store.objects.opening import (
    check_conditional_writes,
    clock,
    open_bucket,
    open_objects,
    way_of_publishing,
)

__all__ = [
    "FolderObjects",
    "MissingObjectError",
    "Objects",
    "Stored",
    "check_conditional_writes",
    "check_name",
    "clock",
    "is_name",
    "open_bucket",
    "open_objects",
    "way_of_publishing",
]
