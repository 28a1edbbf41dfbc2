"""Training on one GPU, beside what others would do there: `make bench-gpu`."""
