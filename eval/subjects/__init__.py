"""What is measured: an assistant that takes cases and gives predictions."""
