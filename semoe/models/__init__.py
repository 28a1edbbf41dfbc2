"""The base model: one decoder for four families, its weights and tokenizer."""
