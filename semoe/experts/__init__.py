"""What an expert is and how many of them are trained at once."""
