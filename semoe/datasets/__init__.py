"""Questions with their answers, and augmented questions."""
