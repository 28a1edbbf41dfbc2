"""Side-by-side measurements. Each checks that both sides agree before it prints a ratio."""
