"""Scores of answers, with intervals."""
