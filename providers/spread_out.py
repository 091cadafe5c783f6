"""JSON spread out over lines for people: every value stays written as it came, 1.10 and repeated names too."""

from __future__ import annotations

import json
import re

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')
INDENT = "  "
# Deeper than that, indenting would make it many times as long.
DEEPEST = 100


def spread_out(text: str) -> str:
    """`text` as it is unless it is a JSON object or list."""
    if text.lstrip()[:1] not in ("{", "[") or not _is_json(text):
        return text
    lines, depth, before = [""], 0, ""
    for piece in _PIECE.findall(text):
        if piece in "}]":
            depth -= 1
            if before not in "{[":
                lines.append(INDENT * depth)
        elif before and before in "{[,":
            lines.append(INDENT * depth)
        lines[-1] += ": " if piece == ":" else piece
        if piece in "{[":
            depth += 1
            if depth > DEEPEST:
                return text
        before = piece
    return "\n".join(lines)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
