"""Youju (有据): an assistant over a small team's own documents, every sentence checked against its source."""

__version__ = "0.1.0"
