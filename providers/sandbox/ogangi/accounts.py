"""What an Ogangi account is set to, and the signature that its callers owe."""

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from providers.sandbox.dials import DialError

PRIVATE_KEY = b"sandbox"
FASTEST = 10_000  # messages a second

is_code = re.compile(r"[0-9]{3,15}").fullmatch


@dataclass(slots=True)
class Account:
    """`digest` is hex or base64url, `signed` decoded or encoded: how the signature is made."""

    shortcodes: list[str] = field(default_factory=lambda: ["12015550100", "12015550101"])
    messages_per_second: float = 1000
    timezone: str = "UTC"
    digest: str = "hex"
    signed: str = "decoded"

    @property
    def zone(self) -> tzinfo:
        return zone_of(self.timezone) or UTC

    def signs(self, parameters: Iterable[str], signature: str) -> bool:
        """Whether this is the signature of the path parameters, which come decoded."""
        if self.signed == "encoded":
            parameters = [quote(value, safe="") for value in parameters]
        seal = hmac.digest(PRIVATE_KEY, "/".join(parameters).encode(), "sha256")
        wanted = seal.hex() if self.digest == "hex" else base64.urlsafe_b64encode(seal).decode().rstrip("=")
        given = signature if self.digest == "hex" else signature.rstrip("=")
        return hmac.compare_digest(wanted.encode(), given.encode())

    def shown(self) -> dict[str, Any]:
        return {
            "shortcodes": self.shortcodes,
            "messages_per_second": self.messages_per_second,
            "timezone": self.timezone,
            "digest": self.digest,
            "signed": self.signed,
        }

    def set(self, settings: dict[str, Any]) -> None:
        """All or none; raises DialError."""
        for name, value in settings.items():
            _check(name, value)
        for name, value in settings.items():
            setattr(self, name, value)


def zone_of(name: str) -> tzinfo | None:
    """The time zone of that name, None when it is unknown."""
    if name == "UTC":  # known even where the machine has no zones
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # no such zone, a directory, or not the name of one
        return None


def _check(name: str, value: Any) -> None:
    choices = {"digest": ("hex", "base64url"), "signed": ("decoded", "encoded")}
    match name:
        case "shortcodes":
            right = isinstance(value, list) and all(isinstance(code, str) and is_code(code) for code in value)
            remedy = "is not a list of codes; give at least one text of 3 to 15 digits"
            right = right and bool(value)
        case "messages_per_second":
            right = type(value) in (int, float) and 0 < value <= FASTEST
            remedy = f"is not a pace; give a number above 0, {FASTEST} at most"
        case "timezone":
            right = isinstance(value, str) and zone_of(value) is not None
            remedy = "is not a time zone; give a name such as America/Caracas"
        case "digest" | "signed":
            right = value in choices[name]
            remedy = f"is not known; use {' or '.join(choices[name])}"
        case _:
            raise DialError(
                f"{name!r} is no setting of Ogangi; there are shortcodes, messages_per_second, timezone, digest"
                " and signed."
            )
    if not right:
        raise DialError(f"{name} {value!r} {remedy}.")
