"""Youju in a container, on any host or as a Docker Space.

`python app.py` starts it, here and on Hugging Face; assistant/hosting holds what it does.
"""

from pathlib import Path

if __name__ == "__main__":
    from assistant.hosting import space

    space.run(Path(__file__).parent, model="qwen2.5-coder-1.5b")
