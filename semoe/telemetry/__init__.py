"""What a person or a monitor sees of work in progress; what the package counts on is `metrics.metrics`."""
