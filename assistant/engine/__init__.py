"""Engine: text in, text out. The only package that knows tensors of a language model."""
