"""Dense retrieval: texts become vectors, and those near a query's are found."""

SGPT = "sgpt:"
"""Before the folder or hub name of a decoder that encodes as SGPT does."""

DENSE = ".dense"
"""Ends the name of an index's vectors."""

MINILM = "minilm"
"""The short name of all-MiniLM-L6-v2, from the package that carries it or from the Hugging Face hub."""

GRAPH = "graph.faiss"
"""Leads `dense-hnsw` through the vectors."""

GRAPH_ABOUT = "graph.json"
"""What a graph over vectors came to; written after the graph."""
