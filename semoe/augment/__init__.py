"""Rewrites and question-answer pairs of passages: by a language model (`model`) or from a parse (`parse`)."""
