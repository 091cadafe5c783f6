"""What all calls of MessageWhiz's `/api/3` share: the key in a header, the envelope of answers, lists by pages.

An answer is `{errorCode, errorMessage, errorType, executionTime, result}`. A number of 400 to 599 in `errorCode` is that
error, whatever the status; how errors look under `/api/3` is not in the document.
"""

from __future__ import annotations

from typing import Any

import httpx

from providers.connectors.answers import Answer, as_rows, as_text, whole_number
from providers.connectors.operations import Operation, Parameters, VendorClient, wrong_shape
from providers.errors import ConnectorError, RequestRefused

# A page of a list: `limit` is 10 where it is left out; more than so many are not documented.
PAGE_ROWS = 100


class Enveloped(VendorClient):
    """The base of each group of operations."""

    def build(self, operation: Operation, parameters: Parameters) -> httpx.Request:
        request = super().build(operation, parameters)
        request.headers["apikey"] = self.connector.config.secrets()[0]
        return request

    def refusal(self, operation: Operation, answer: Answer) -> ConnectorError | None:
        error = super().refusal(operation, answer)
        status = inner_status(answer.data) or answer.status
        # In the vendor's own words "an entity is not found"; a page means another address, as for a text.
        if isinstance(error, RequestRefused) or (error and status == 404 and isinstance(answer.data, dict)):
            return self.request_refused(operation, answer, status)
        return error

    def result(self, answer: Answer) -> Any:
        """What is in the envelope. Raises BadAnswer where there is none."""
        if not isinstance(answer.data, dict) or "result" not in answer.data:
            raise wrong_shape(self.connector, "a result")
        return answer.data["result"]

    def one(self, answer: Answer) -> dict[str, Any]:
        """The result, which is one entity: it has an id."""
        result = self.result(answer)
        if not isinstance(result, dict) or not as_text(result.get("id")):
            raise wrong_shape(self.connector, "an id")
        return result

    def rows(self, answer: Answer) -> list[dict[str, Any]]:
        """The result, which is a list of entities."""
        rows = as_rows(self.result(answer))
        if rows is None:
            raise wrong_shape(self.connector, "a list")
        return rows

    def done(self, answer: Answer) -> None:
        """For a result that is `true`. Raises BadAnswer for another."""
        if self.result(answer) is not True:
            raise wrong_shape(self.connector, "that it was done")


def inner_status(data: Any) -> int | None:
    """An error status inside the body, from `statusCode` (/sms) or `errorCode` (/api/3)."""
    if not isinstance(data, dict):
        return None
    for name in ("statusCode", "errorCode"):
        status = whole_number(data.get(name))
        if status is not None and 400 <= status < 600:
            return status
    return None
