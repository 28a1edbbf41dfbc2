"""How long things may take in a store, and how long they are kept; in seconds."""

COMMIT_SECONDS = 60.0
"""Between two commits of a producer: a worker that is killed loses no more."""
PUBLISH_SECONDS = 600.0
"""A pack older than this is written anew before it is committed: it may be taken for garbage by then."""
MIN_GRACE_SECONDS = 2 * PUBLISH_SECONDS
"""Below it a pack could be taken from a producer that is about to commit it."""
GRACE_SECONDS = 3600.0
"""What is younger than this is no garbage yet, where nobody says otherwise."""
