"""Retrieval: files to documents, documents to chunks, chunks to hits."""
