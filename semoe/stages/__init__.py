"""The stages, each with one body: items in, items out. They know no folder, no run and no command line.

Called by `published`, which finds the items in the folders of the published layout, and by `runs`, which finds them in
the shards of a planned run.
"""
