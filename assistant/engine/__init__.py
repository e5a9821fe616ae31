"""Engine: text in, text out. The only package that knows tensors of a language model."""

import logging

# It misses a kernel from the Hub when it is imported; code from the Hub is never run here.
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
