"""The verbs of `semoe experts`."""
