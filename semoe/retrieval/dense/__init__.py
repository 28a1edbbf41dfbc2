"""Dense retrieval: texts become vectors, and those near a query's are found."""

SGPT = "sgpt:"
"""Before the folder or hub name of a decoder that encodes as SGPT does."""

DENSE = ".dense"
"""Ends the name of an index's vectors."""
