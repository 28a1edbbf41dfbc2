"""The engine's road on a GPU: kernels over experts in a pool, a cache in pages, and decode steps as captured graphs."""
