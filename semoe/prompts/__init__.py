"""Prompt templates, exemplars, and their token ids."""

from semoe.prompts.exemplars import Exemplar, load_exemplars
from semoe.prompts.rendering import ChatTokenizer, TrainingSequence, prompt_ids, training_sequence
from semoe.prompts.template import Prompt, Template, load_template, templates

__all__ = [
    "ChatTokenizer",
    "Exemplar",
    "Prompt",
    "Template",
    "TrainingSequence",
    "load_exemplars",
    "load_template",
    "prompt_ids",
    "templates",
    "training_sequence",
]
