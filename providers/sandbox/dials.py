"""What a person or a test may turn at a vendor while it runs; each vendor has its own dial."""

import asyncio
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.outcomes import Outcome

DEFAULT_DELAY_MS = (400, 2500)
LONGEST_MS = 3_600_000


class DialError(ValueError):
    """A sentence naming the field, its value and the remedy."""


def parse_delay(text: str) -> tuple[int, int]:
    """`lo-hi` in milliseconds, as the environment gives it."""
    low, dash, high = text.partition("-")
    if not (dash and low.strip().isdecimal() and high.strip().isdecimal()):
        raise DialError(f"receipt delay {text!r} is not two numbers of milliseconds; write it like 400-2500.")
    return check_delay([int(low), int(high)])


def check_delay(value: Any) -> tuple[int, int]:
    if (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(type(bound) is int for bound in value)
        and 0 <= value[0] <= value[1] <= LONGEST_MS
    ):
        return value[0], value[1]
    raise DialError(
        f"receipt_delay_ms {value!r} is not a range; give [lowest, highest] whole milliseconds"
        f" from 0 to {LONGEST_MS}, the lowest first."
    )


def check_outcome(value: Any) -> Outcome | None:
    if value is None:
        return None
    try:
        return Outcome(value)
    except ValueError:
        names = ", ".join(Outcome)
        raise DialError(f"force_outcome {value!r} is not known; use null or one of {names}.") from None


def check_whole(name: str, value: Any, most: int) -> int:
    if type(value) is int and 0 <= value <= most:
        return value
    raise DialError(f"{name} {value!r} is not a whole number from 0 to {most}; give milliseconds.")


def check_rate(value: Any) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e6):
        return value
    raise DialError(f"throttle_per_second {value!r} is not a rate; use null or a number above 0.")


def check_switch(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise DialError(f"{name} {value!r} is not a switch; use true or false.")


@dataclass(slots=True)
class Dial:
    """Settings of one vendor.

    down: the line is cut at once, nothing is read. hang: the request is read and never answered, nothing is
    accepted; the line is cut when the dial is turned back. throttle_per_second counts requests.
    """

    receipt_delay_ms: tuple[int, int] = DEFAULT_DELAY_MS
    latency_ms: int = 0
    force_outcome: Outcome | None = None
    throttle_per_second: float | None = None
    down: bool = False
    hang: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _tokens: float = 0.0
    _filled_at: float = 0.0

    def delay_of(self, msisdn: str) -> float:
        """Seconds until the receipt: the same for the same number at each run."""
        low, high = self.receipt_delay_ms
        return (low + zlib.crc32(msisdn.encode()) % (high - low + 1)) / 1000

    def lets_through(self) -> bool:
        """One request against a bucket that holds one second's worth."""
        rate = self.throttle_per_second
        if rate is None:
            return True
        now = time.monotonic()
        self._tokens = min(max(1.0, rate), self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def turn(self, settings: dict[str, Any]) -> None:
        """Apply the named settings, all or none; raises DialError."""
        checked = {name: _check(name, value) for name, value in settings.items()}
        for name, value in checked.items():
            setattr(self, name, value)
        if not self.hang:
            self.released.set()
            self.released = asyncio.Event()

    def shown(self) -> dict[str, Any]:
        return {
            "latency_ms": self.latency_ms,
            "receipt_delay_ms": list(self.receipt_delay_ms),
            "force_outcome": self.force_outcome,
            "throttle_per_second": self.throttle_per_second,
            "down": self.down,
            "hang": self.hang,
        }


def _check(name: str, value: Any) -> Any:
    match name:
        case "latency_ms":
            return check_whole(name, value, 60_000)
        case "receipt_delay_ms":
            return check_delay(value)
        case "force_outcome":
            return check_outcome(value)
        case "throttle_per_second":
            return check_rate(value)
        case "down" | "hang":
            return check_switch(name, value)
    raise DialError(
        f"{name!r} is not on the dial; it has vendor, latency_ms, receipt_delay_ms, force_outcome,"
        " throttle_per_second, down, hang and retry_ms."
    )
