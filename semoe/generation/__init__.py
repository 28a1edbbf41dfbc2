"""The engine: many prompts at once, each with its own experts."""

from semoe.generation.engine import Engine
from semoe.generation.merge import merge_rules
from semoe.generation.sequence import Answer, Request

__all__ = ["Answer", "Engine", "Request", "merge_rules"]
