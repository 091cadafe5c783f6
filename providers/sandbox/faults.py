"""Trouble at a vendor's path of one's choice: a setting of the dial, for every vendor and operation alike."""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from providers.sandbox.wire import CUT, HTML, RETRY_SOON, Answer, json_answer


class FaultKind(StrEnum):
    """The first four carry nothing out and answer at once; HANG carries nothing out and never answers."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    CUT_BEFORE = "cut_before"
    HANG = "hang"
    CUT_AFTER = "cut_after"
    HTML = "html"
    TRUNCATED = "truncated"


# As a gateway before the vendor answers; a JSON body, so that nothing but the status tells.
REFUSALS = {
    FaultKind.THROTTLED: json_answer(429, {"statusCode": 429, "message": "Too Many Requests"}, RETRY_SOON),
    FaultKind.SERVER_ERROR: json_answer(500, {"statusCode": 500, "message": "Internal Server Error"}),
    FaultKind.UNAVAILABLE: json_answer(503, {"statusCode": 503, "message": "Service Unavailable"}),
    FaultKind.CUT_BEFORE: CUT,
}


@dataclass(slots=True)
class Fault:
    """`path`: whole steps from the left, or a pattern with `*`, `?` or `[`; in any case, without the slug.

    `method`: in capitals, empty for all. `times`: requests that are left, None without an end.
    """

    path: str
    kind: FaultKind
    method: str = ""
    times: int | None = None

    def matches(self, method: str, path: str) -> bool:
        if self.method not in ("", method) or self.times == 0:
            return False
        wanted, asked = self.path.strip("/").lower(), path.strip("/").lower()
        if any(sign in wanted for sign in "*?["):
            return fnmatchcase(asked, wanted)
        return not wanted or asked == wanted or asked.startswith(f"{wanted}/")

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"path": self.path, "fault": self.kind}
        if self.method:
            shown["method"] = self.method
        if self.times is not None:
            shown["times"] = self.times
        return shown


def spoil(answer: Answer, kind: FaultKind) -> Answer:
    """What becomes of the answer to a request that was carried out; one that is cut anyway stays cut."""
    if not answer.status:
        return answer
    match kind:
        case FaultKind.CUT_AFTER:
            return CUT
        case FaultKind.HTML:
            return HTML
        case FaultKind.TRUNCATED:
            half = answer.body[: len(answer.body) // 2]
            return Answer(answer.status, half, answer.content_type, answer.headers)
    return answer
