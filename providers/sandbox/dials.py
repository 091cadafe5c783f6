"""What a person or a test may turn at a vendor while it runs; each vendor has its own dial."""

import asyncio
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

from providers.sandbox.faults import Fault, FaultKind
from providers.sandbox.outcomes import Outcome

DEFAULT_DELAY_MS = (400, 2500)
LONGEST_MS = 3_600_000
MINUTE_MS = 60_000
MOST_FAULTS = 100
MOST_TIMES = 1_000_000
PATH_CAP = 500  # characters


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


def check_faults(value: Any) -> list[Fault]:
    if isinstance(value, list) and len(value) <= MOST_FAULTS:
        return [_fault(f"faults[{index}]", row) for index, row in enumerate(value)]
    raise DialError(
        f"faults {str(value)[:40]!r} is not a list of up to {MOST_FAULTS} faults; send [] for none."
    )


def _fault(name: str, row: Any) -> Fault:
    """One row of `faults`, `name` being its place there."""
    known = ("path", "fault", "method", "times")
    if not isinstance(row, dict):
        raise DialError(
            f'{name} {str(row)[:40]!r} is not an object; write it like {{"path": "sms", "fault": "html"}}.'
        )
    if unknown := sorted(set(row) - set(known)):
        raise DialError(f"{name}.{unknown[0]} is not known; a fault has {', '.join(known)}.")
    path, method, times = row.get("path"), row.get("method", ""), row.get("times")
    if not (isinstance(path, str) and len(path) <= PATH_CAP):
        raise DialError(
            f"{name}.path {str(path)[:40]!r} is not a text of up to {PATH_CAP} characters; give the vendor's path,"
            ' "" for every one.'
        )
    if not (isinstance(method, str) and (method == "" or method.isalpha())):
        raise DialError(
            f"{name}.method {str(method)[:40]!r} is not an HTTP method; use one like POST, or leave it out."
        )
    if times is not None and not (type(times) is int and 1 <= times <= MOST_TIMES):
        raise DialError(
            f"{name}.times {str(times)[:40]!r} is not a whole number from 1 to {MOST_TIMES}; leave it out for ever."
        )
    return Fault(path, _fault_kind(name, row.get("fault")), method.upper(), times)


def _fault_kind(name: str, value: Any) -> FaultKind:
    try:
        return FaultKind(value)
    except ValueError:
        raise DialError(
            f"{name}.fault {str(value)[:40]!r} is not known; use one of {', '.join(FaultKind)}."
        ) from None


@dataclass(slots=True)
class Dial:
    """Settings of one vendor.

    down: the line is cut at once, nothing is read. hang: the request is read and never answered, nothing is
    accepted; the line is cut when the dial is turned back. throttle_per_second counts requests to send.
    minute_ms: how long a minute of the vendor's own timers lasts. faults: the first that matches has its way.
    """

    receipt_delay_ms: tuple[int, int] = DEFAULT_DELAY_MS
    latency_ms: int = 0
    force_outcome: Outcome | None = None
    throttle_per_second: float | None = None
    down: bool = False
    hang: bool = False
    minute_ms: int = MINUTE_MS
    faults: list[Fault] = field(default_factory=list)
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

    def fault_of(self, method: str, path: str) -> FaultKind | None:
        """What befalls this request, which counts it; a fault that has had its times is gone."""
        for fault in self.faults:
            if fault.matches(method, path):
                if fault.times is not None:
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                return fault.kind
        return None

    def turn(self, settings: dict[str, Any]) -> None:
        """Apply the named settings, all or none; raises DialError. A throttle begins with a full bucket."""
        checked = {name: _check(name, value) for name, value in settings.items()}
        for name, value in checked.items():
            setattr(self, name, value)
        if "throttle_per_second" in checked:
            self._tokens = max(1.0, self.throttle_per_second or 0.0)
            self._filled_at = time.monotonic()
        if not self.hang and not any(fault.kind is FaultKind.HANG for fault in self.faults):
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
            "minute_ms": self.minute_ms,
            "faults": [fault.shown() for fault in self.faults],
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
        case "minute_ms":
            return check_whole(name, value, MINUTE_MS)
        case "faults":
            return check_faults(value)
    raise DialError(
        f"{name!r} is not on the dial; it has vendor, latency_ms, receipt_delay_ms, force_outcome,"
        " throttle_per_second, down, hang, minute_ms, faults and retry_ms."
    )
