"""Dense retrieval: texts become vectors, and those near a query's are found."""
