"""Published experiments as configs, and the report that a reproduction of one ends with."""
