"""Runs: a plan that is cut into shards, and what workers leave in the store as they do them."""
