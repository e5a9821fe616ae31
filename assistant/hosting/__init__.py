"""A server with what the place brings where it runs: documents of its own, snapshots, Hugging Face Spaces."""
