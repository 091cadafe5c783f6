"""The code of a recipient's link: which message it was sent in, and which of its addresses it stands for.

Nothing is stored for it. A code is the message's id and the entry among the addresses of its dispatch as one number,
mixed by a key: so its length is known before anything is sent, a million recipients cost no row, and nobody who knows
one code can tell another.

    number = id x 64 + entry  --Feistel network with the key-->  another number below 62^8  -->  8 letters and digits
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 8
ENTRIES = 64
KEY_BYTES = 16
# All codes of LENGTH characters; ids up to 3.4 x 10^12 fit, which at 100 million messages a day is 93 years.
SPACE = len(ALPHABET) ** LENGTH
MAX_MESSAGE_ID = SPACE // ENTRIES - 1

_HALF_BITS = 24  # two halves hold 2^48, the least even width above SPACE
_HALF = (1 << _HALF_BITS) - 1
# Four make a strong pseudo-random permutation of a good round function (Luby and Rackoff, 1988).
_ROUNDS = range(4)
_VALUES = {char: value for value, char in enumerate(ALPHABET)}
# Two characters at a time: half as many divisions.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


class Coded(NamedTuple):
    message_id: int
    entry: int


class Coder:
    """Of one key, of KEY_BYTES bytes. About 5 µs a code."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"key has {len(key)} bytes; {KEY_BYTES} are needed.")
        # Each round copies a state that has read its key already: that is most of a hash this short.
        self._rounds = [hashlib.blake2s(key=key, digest_size=3, person=bytes([number])) for number in _ROUNDS]
        self._unrounds = self._rounds[::-1]

    def encode(self, message_id: int, entry: int) -> str:
        """Raises ValueError for what no code can hold."""
        if not 0 <= message_id <= MAX_MESSAGE_ID or not 0 <= entry < ENTRIES:
            raise ValueError(f"No code holds entry {entry} of message {message_id}.")
        number = self._mixed(message_id * ENTRIES + entry)
        while number >= SPACE:  # of the halves' space a fifth is too large: mixed again until it fits
            number = self._mixed(number)
        high, low = divmod(number, len(_PAIRS) ** 2)
        first, second = divmod(high, len(_PAIRS))
        third, fourth = divmod(low, len(_PAIRS))
        return f"{_PAIRS[first]}{_PAIRS[second]}{_PAIRS[third]}{_PAIRS[fourth]}"

    def decode(self, code: str) -> Coded | None:
        """None where it is no code at all. That such a message exists is for the ledger to say."""
        if len(code) != LENGTH:
            return None
        number = 0
        for char in code:
            value = _VALUES.get(char)
            if value is None:
                return None
            number = number * len(ALPHABET) + value
        number = self._unmixed(number)
        while number >= SPACE:
            number = self._unmixed(number)
        return Coded(*divmod(number, ENTRIES))

    def _mixed(self, number: int) -> int:
        left, right = number >> _HALF_BITS, number & _HALF
        for round_ in self._rounds:
            # By hand: a call for each round was a sixth of the time.
            state = round_.copy()
            state.update(right.to_bytes(3, "big"))
            left, right = right, left ^ int.from_bytes(state.digest(), "big")
        return left << _HALF_BITS | right

    def _unmixed(self, number: int) -> int:
        left, right = number >> _HALF_BITS, number & _HALF
        for round_ in self._unrounds:
            # By hand, as above: each visit waits for it.
            state = round_.copy()
            state.update(left.to_bytes(3, "big"))
            left, right = right ^ int.from_bytes(state.digest(), "big"), left
        return left << _HALF_BITS | right


@lru_cache(maxsize=8)
def coder_of(key: bytes) -> Coder:
    return Coder(key)
