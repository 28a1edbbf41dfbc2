"""Experts on disk."""

from semoe.store.offline import ExpertRow, OfflineName, find_experts
from semoe.store.peft_folder import RECORD, link_expert, read_expert, write_expert

__all__ = ["RECORD", "ExpertRow", "OfflineName", "find_experts", "link_expert", "read_expert", "write_expert"]
