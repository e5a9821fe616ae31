"""Which thread computes matters: OpenMP gives each one workers of its own, which wait for it by spinning.

Once there are more workers than cores, none of them spins any more, and waking them for every layer halves
the speed of decoding. The workers go when their thread ends. So only the batch's thread keeps its workers;
whatever else computes does so in a thread that ends.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def in_passing(work: Callable[[], T]) -> T:
    """Do ``work`` in a thread that ends with it; return what it returns, raise what it raises."""
    with ThreadPoolExecutor(1, thread_name_prefix="passing") as executor:
        return executor.submit(work).result()
