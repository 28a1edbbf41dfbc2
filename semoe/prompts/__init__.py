"""Prompt templates, exemplars, and their token ids."""
