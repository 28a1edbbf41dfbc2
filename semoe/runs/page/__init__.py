"""A run as one page that opens offline, finished or not."""
