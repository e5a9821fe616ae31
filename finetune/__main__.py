"""``python -m finetune`` is ``youju finetune``."""

import sys

from assistant.__main__ import main

main(["finetune", *sys.argv[1:]])
