"""The code itself: drawn, hashed, compared, and sealed for as long as its text waits to be sent.

    drawn ──▶ hashed with the row's salt                kept; all that a check needs
      '─────▶ sealed with the installation's key        for the engine, until the text was handed over or is over

Nothing else ever holds it: the ledger keeps the text masked, and so does what a vendor says of it.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.crypto import salted_hmac

from messaging.models import Verification, VerificationState
from messaging.tokens import VERIFICATION_CODE
from providers.crypto import decrypt_mapping, encrypt_mapping

log = structlog.get_logger("crier.verification")

SHORTEST, LONGEST = 4, 10
MASK = "•"
HASHED_FOR = "messaging.verification.code"
LONGEST_TYPED = 60
_TOKEN = re.compile(rf"\{{\{{\s*{VERIFICATION_CODE}\s*\}}\}}")


def draw_code(length: int) -> str:
    """Never with a leading zero: people and spreadsheets drop it."""
    least = 10 ** (length - 1)
    return str(least + secrets.randbelow(9 * least))


def new_salt() -> str:
    return secrets.token_hex(16)


def hash_code(code: str, salt: str) -> str:
    """HMAC-SHA256; its key is made of the installation's secret and the salt."""
    return salted_hmac(f"{HASHED_FOR}.{salt}", code, algorithm="sha256").hexdigest()


def is_code(verification: Verification, code: str) -> bool:
    return compare_digest(verification.code_hash, hash_code(code, verification.salt))


def typed_code(written: str) -> str:
    """Its digits, however they were typed: with blanks and dashes, and in any script's digits; "" where it is none."""
    if len(written) > LONGEST_TYPED:
        return ""
    found = []
    for char in written:
        category = unicodedata.category(char)
        if char.isdecimal():
            found.append(str(unicodedata.decimal(char)))
        elif category not in ("Pd", "Zs", "Cf", "Cc"):
            return ""
    return "".join(found)


def holds_code(text: str) -> bool:
    """Whether a dispatch's text is a verification's: others were refused with such a token."""
    return _TOKEN.search(text) is not None


def seal_code(code: str) -> str:
    return encrypt_mapping({"code": code})


def masked(text: str, code: str) -> str:
    return text.replace(code, MASK * len(code)) if code else text


def begins_masked(text: str, beginning: str) -> bool:
    """Whether a text begins so, which is kept masked if it held a code."""
    if MASK not in text or len(beginning) > len(text):
        return text.startswith(beginning)
    return all(kept in (MASK, sent) for kept, sent in zip(text, beginning, strict=False))


@dataclass(frozen=True, slots=True)
class WaitingCode:
    """Of a text whose turn has come. `over`: why it is not sent any more, a code of messaging.reasons; else ""."""

    code: str
    expires_at: datetime
    over: str


OVER_REASON = {
    VerificationState.REPLACED: "code_replaced",
    VerificationState.CANCELLED: "code_cancelled",
    VerificationState.EXHAUSTED: "code_over",
    VerificationState.VERIFIED: "code_over",
}
UNKNOWN_CODE = WaitingCode("", datetime.min, "code_over")


def waiting_codes(message_ids: Sequence[int]) -> dict[int, WaitingCode]:
    """By message; one that is missing is over, see UNKNOWN_CODE."""
    now = timezone.now()
    rows = Verification.objects.filter(message_id__in=message_ids)
    return {row.message_id: _waiting(row, now) for row in rows if row.message_id is not None}


def _waiting(row: Verification, now: datetime) -> WaitingCode:
    over = OVER_REASON.get(VerificationState(row.state), "")
    if not over and row.expires_at <= now:
        over = "code_expired"
    code = "" if over else _unsealed(row)
    return WaitingCode(code, row.expires_at, over or ("" if code else "code_over"))


def _unsealed(row: Verification) -> str:
    """ "" where it was wiped, or no key opens it any more."""
    try:
        return str(decrypt_mapping(row.sealed_code).get("code", ""))
    except ImproperlyConfigured as error:
        log.error("a code cannot be read and is not sent", verification=row.pk, error=str(error))
        return ""
