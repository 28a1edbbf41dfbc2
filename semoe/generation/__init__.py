"""The engine: many prompts at once, each with its own experts."""
