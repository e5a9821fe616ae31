"""Eval: measures the assistant from the command line."""
