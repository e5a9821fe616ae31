"""Youju on two cores: the reader of one and a half billion weights, in 4-bit NF4.

`python app.py` starts it, here and on Hugging Face; assistant/hosting holds what it does.
"""

import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
for wheel in HERE.glob("youju-*.whl"):  # without one, the installed package runs
    unpacked = tempfile.mkdtemp(prefix="youju-")
    zipfile.ZipFile(wheel).extractall(unpacked)
    sys.path.insert(0, unpacked)

if __name__ == "__main__":
    from assistant.hosting import space

    space.run(HERE, model="qwen2.5-coder-1.5b")
