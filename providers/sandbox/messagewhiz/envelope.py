"""The envelope of `/api/3`: document 004, every example response, and section Response Error Messages."""

import time
from typing import Any

from providers.sandbox.wire import RETRY_SOON, Answer, json_answer

# Message and type by HTTP status. The document names 400 to 409; the types and the rest are not in it.
MEANINGS = {
    400: ("Bad Request -- Invalid parameters specified", "BadRequest"),
    401: ("Unauthorized -- API key is missing or invalid", "Unauthorized"),
    403: (
        "Forbidden -- User/company is either disabled or doesn't have enough permissions",
        "Forbidden",
    ),
    404: ("Not found -- An entity is not found", "NotFound"),
    409: ("Duplicate entry", "Conflict"),
    429: ("Too Many Requests", "TooManyRequests"),
    500: ("Internal server error", "InternalServerError"),
}


class Failure(Exception):
    """What an operation refuses: one of MEANINGS, and what is wrong in particular."""

    def __init__(self, status: int, detail: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def success(result: Any, began: float) -> Answer:
    """`began`: by the performance counter."""
    return _enveloped(200, "", "", result, began)


def failure(refused: Failure, began: float) -> Answer:
    message, kind = MEANINGS[refused.status]
    detail = f": {refused.detail}" if refused.detail else ""
    return _enveloped(refused.status, f"{message}{detail}", kind, None, began)


def _enveloped(status: int, message: str, kind: str, result: Any, began: float) -> Answer:
    body = {
        "errorCode": 0 if status == 200 else status,
        "errorMessage": message,
        "errorType": kind,
        "executionTime": round(time.perf_counter() - began, 9),
        "result": result,
    }
    return json_answer(status, body, RETRY_SOON if status == 429 else ())
