"""Youju on ZeroGPU: a GPU is lent for the length of each call.

`python app.py` starts it, here and on Hugging Face; assistant/hosting holds what it does.
"""

import spaces  # isort: skip  # before anything that could touch CUDA
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

    space.run(HERE, lend=spaces.GPU(duration=30), model="qwen3-4b", quantization="none", total_s=25)
