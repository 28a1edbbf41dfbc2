"""The stages: each takes data from the folders of the one before and leaves its own, whole or not at all."""
