"""Experts kept and found: in a folder or in S3, and as plain PEFT folders."""

from semoe.store.offline import OfflineName
from semoe.store.peft_folder import RECORD, link_expert, read_expert, write_expert

__all__ = ["RECORD", "OfflineName", "link_expert", "read_expert", "write_expert"]
