"""The published tree: what verbs read and write in `retrieved/`, `data_aug/`, `offline/` and `output/`.

It knows folders and their published names, and no shard; `from_run` alone knows runs, and writes one as such a tree.
"""
