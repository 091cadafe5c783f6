"""What can go wrong between us and a vendor, in one tree.

    ConnectorError
    |-- NotSent               certainly not sent: may be sent again, or through another account
    |   |-- MessageRefused    this text to this number will never be taken; final
    |   |-- RequestRefused    an operation other than sending will never be carried out as it was asked for
    |   |   |-- NotFound      it names something that the vendor does not have
    |   |   `-- Conflict      it stands against what the vendor has, such as the same name
    |   |-- AccountRefused    nothing will be taken until a person mends the account
    |   |   `-- ConfigError   a setting of the account is missing or wrong
    |   |-- CapabilityError   asked of a vendor what it has not; raised before any HTTP
    |   |-- Throttled         too fast; `retry_after` seconds, where the vendor said so
    |   `-- Unreachable       no connection: name not found, refused, TLS, connect timeout
    `-- Unclear               perhaps sent: never send again blindly
        |-- NoAnswer          the request went out, then a timeout or a cut line
        |-- ServerTrouble     5xx: the vendor failed somewhere in the middle of it
        `-- BadAnswer         an answer that cannot be read: HTML for JSON, truncated, unknown shape

    WebhookRejected           what was posted to us is not what this vendor posts
    `-- WebhookPartlyRead     some of it is

Two flags say what may follow: `certainly_not_sent`, and `our_fault` (the account or its settings have to be
mended first; trying again as it is would be no use). `scope` says whom it concerns: this message, or all of
the account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

Scope = Literal["message", "account"]
MAX_WORDS = 500


class ConnectorError(Exception):
    """`sentence` is ours and free of secrets: what happened and how to mend it; str(error) gives it.

    `words` are the vendor's own, redacted and then cut at MAX_WORDS when they leave the connector; `reason`
    is a short code, kept with the message and spelled out by messaging.reasons. Abstract: raise a class
    below NotSent or Unclear, or these two.
    """

    certainly_not_sent: bool = False
    our_fault: bool = False
    scope: Scope = "message"
    reason: str = "unknown"

    def __init__(
        self, sentence: str, *, words: str = "", retry_after: float | None = None, reason: str = ""
    ) -> None:
        super().__init__(sentence)
        self.words = words
        self.retry_after = retry_after
        if reason:
            self.reason = reason


class NotSent(ConnectorError):
    certainly_not_sent = True
    reason = "refused"


class MessageRefused(NotSent):
    """Reasons: bad_number, out_of_reach, sender_not_allowed, text_too_long, empty_text, opted_out_at_vendor, refused."""


class RequestRefused(NotSent):
    """Of one request, not of the account: correct what its words name and ask again."""


class NotFound(RequestRefused):
    reason = "not_found"


class Conflict(RequestRefused):
    reason = "conflict"


class AccountRefused(NotSent):
    """Reasons: bad_credentials, no_credit, service_off, wrong_address."""

    our_fault = True
    scope: Scope = "account"
    reason = "service_off"


class ConfigError(AccountRefused):
    """`field`: the name of the setting, as in `Config.fields()`."""

    reason = "bad_settings"

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class CapabilityError(NotSent):
    """Not of one recipient: it would meet each message alike, so a person has to choose something else."""

    our_fault = True
    scope: Scope = "account"
    reason = "not_supported"


class Throttled(NotSent):
    """`retry_after` is None when the vendor did not say how long to wait."""

    scope: Scope = "account"
    reason = "throttled"


class Unreachable(NotSent):
    scope: Scope = "account"
    reason = "unreachable"


class Unclear(ConnectorError):
    reason = "no_answer"


class NoAnswer(Unclear):
    reason = "no_answer"


class ServerTrouble(Unclear):
    reason = "server_trouble"


class BadAnswer(Unclear):
    reason = "bad_answer"


class WebhookRejected(Exception):
    """str(error) says what is wrong with the call, without what was in it."""


class WebhookPartlyRead(WebhookRejected):
    """Of a call with many reports some cannot be read; `news`: the others."""

    def __init__(self, words: str, news: Sequence[Any]) -> None:
        super().__init__(words)
        self.news = news
