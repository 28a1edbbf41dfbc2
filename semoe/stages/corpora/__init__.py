"""The files that a corpus is: where they lie, what they are, and how any part of each is read."""
