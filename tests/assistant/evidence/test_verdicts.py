"""The check of one sentence, on a table that readers labelled."""

from __future__ import annotations

from collections import Counter

import pytest
from verdict_cases import CASES, PASSAGES, WRONG_PAGE

from assistant.evidence import verdicts
from assistant.schema import Verdict
