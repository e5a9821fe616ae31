"""What is wrong with examples, said before anything is spent on them."""

from finetune.checks.checking import check
from finetune.checks.report import Report

__all__ = ["Report", "check"]
