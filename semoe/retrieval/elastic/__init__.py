"""Elasticsearch as a retriever: an index loaded once, searched with the published query.

`settings` says where it is, `connection` asks it with patience, `errors` says what went wrong, `schema` and `state` are
what an index is and how far it has come, `batches`, `bulk` and `load` fill it, `retriever` searches it, `check` is for
the doctor. The `elasticsearch` package is an extra: it is imported when a connection opens, not before.
"""
