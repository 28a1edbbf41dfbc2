"""`python -m semoe`: the command, for workers that are started by another."""

from semoe.cli.app import main

main()
