"""Experts kept and found: in a folder or in S3, and as plain PEFT folders."""
