"""The numbers a file has held so far, for millions of them: exact, at about fifteen bytes each."""

from __future__ import annotations

import random
from collections.abc import Iterable

# Of a number's digits (at most 15) divided by the count of buckets: below 10**15 / 2**16 < 2**40.
KEY_BYTES = 5
BUCKETS = 1 << 16
# A byte each, for most numbers that are new the only one that is looked at.
FLAGS = 1 << 25


class ManyNumbers:
    """A hash table of byte strings. A number is found again by its bucket and the quotient kept in it.

    The count of buckets is drawn by lot, so that nobody can write a file whose numbers share one.
    """

    def __init__(self) -> None:
        self._count = BUCKETS + random.randrange(BUCKETS)  # noqa: S311  # not a secret, see above
        self._buckets: list[bytearray] = []
        self._flags = bytearray()

    def __bool__(self) -> bool:
        return bool(self._buckets)

    def add(self, numbers: Iterable[int]) -> None:
        """None of them may be there already."""
        if not self._buckets:
            self._buckets = [bytearray() for _ in range(self._count)]
            self._flags = bytearray(FLAGS)
        buckets, count, flags = self._buckets, self._count, self._flags
        for number in numbers:
            quotient, at = divmod(number, count)
            buckets[at] += quotient.to_bytes(KEY_BYTES)
            flags[number % FLAGS] = 1

    def has(self, number: int) -> bool:
        if not self._flags[number % FLAGS]:
            return False
        quotient, at = divmod(number, self._count)
        bucket = self._buckets[at]
        key = quotient.to_bytes(KEY_BYTES)
        found = bucket.find(key)
        # Bytes of two neighbours may look like it.
        while found > 0 and found % KEY_BYTES:
            found = bucket.find(key, found + 1)
        return found >= 0
