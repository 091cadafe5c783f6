"""MessageWhiz's operations, one module for each group of document 004: what the document has, cases, what cannot be."""

from __future__ import annotations

from typing import Any


def enveloped(result: Any) -> dict[str, Any]:
    """An answer of `/api/3` as the document shows it."""
    return {
        "errorCode": 0,
        "errorMessage": "",
        "errorType": "",
        "executionTime": 0.044941952,
        "result": result,
    }
