"""A text with its tokens, compiled once and rendered for each recipient: one engine for preview, estimate and sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contacts.models import RecipientList
from messaging.tokens import CompiledText, Lookups, TokenError, compile_text

# Token kinds that this version fills; the others are refused with a sentence, at their place in the text.
AVAILABLE = frozenset({"field", "random_symbol"})
NO_LOOKUPS = Lookups()


@dataclass(frozen=True, slots=True)
class Content:
    source: str
    compiled: CompiledText

    @property
    def errors(self) -> tuple[TokenError, ...]:
        return self.compiled.errors

    @property
    def personal(self) -> bool:
        """Whether two people may get different texts."""
        return self.compiled.personal

    @property
    def uses(self) -> frozenset[str]:
        """Names of the recipient's fields and further columns in the text."""
        return self.compiled.uses

    def render(self, values: Mapping[str, Any], *, seed: int) -> str:
        """`seed`: the message id, so that random choices can be shown again."""
        return self.compiled.render(values, seed=seed, lookups=NO_LOOKUPS)


def compile_content(workspace_id: int, source: str) -> Content:
    """Knows the further columns of all lists of the workspace. Errors are in `.errors`, not raised."""
    columns: set[str] = set()
    for names in RecipientList.objects.filter(workspace_id=workspace_id).values_list("columns", flat=True):
        columns.update(names)
    return Content(source, compile_text(source, columns=columns, available=AVAILABLE))
