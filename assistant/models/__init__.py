"""Models: a catalog of names, and the adapters trained on them."""
