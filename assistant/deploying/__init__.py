"""From this installation to a Hugging Face Space: the files that go, the calls to the Hub, and its answer."""
