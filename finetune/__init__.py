"""Finetune: from examples to an adapter."""
