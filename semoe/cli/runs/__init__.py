"""The verbs of a run: plan it, do it, watch it."""
