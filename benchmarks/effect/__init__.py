"""What experts add to answers, beside controls, and what it costs. `python -m benchmarks.effect --help`."""
