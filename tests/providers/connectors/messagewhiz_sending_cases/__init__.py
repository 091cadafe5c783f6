"""Document 004, second half, a module a group: its operations, cases and what cannot be asked.

Requests and answers are the document's own examples; numbers and addresses are replaced by some that belong to nobody.
Ours differ from an example where it contradicts its own description, and the case says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# Operation, call, a part of the sentence.
Impossible = tuple[str, Callable[[Any], Any], str]


def envelope(result: Any) -> dict[str, Any]:
    return {
        "errorCode": 0,
        "errorMessage": "",
        "errorType": "",
        "executionTime": 0.044941952,
        "result": result,
    }
