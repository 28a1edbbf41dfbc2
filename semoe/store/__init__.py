"""Experts on disk."""

from semoe.store.offline import ExpertRow, OfflineName, find_experts
from semoe.store.peft_folder import link_expert, read_expert, write_expert

__all__ = ["ExpertRow", "OfflineName", "find_experts", "link_expert", "read_expert", "write_expert"]
