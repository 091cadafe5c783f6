"""“Word Spinners” of document 004: words of which {{word_spinner:ID}} becomes a random one, for each message anew.

- “If the `name` array is specified … the previous words will be overwritten” means `words`; what a PUT leaves out stays,
  as in its example.
- That example asks for 10519 and is answered 10520: the answer's id is given.
- The address of “Disable a Word Spinner” is printed as a campaign's below its example: a slip.
- A PATCH answers no id. `enabled` goes out as JSON's true or false, where the example has "0".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from providers.connectors.answers import as_flag, as_text
from providers.connectors.messagewhiz.envelope import PAGE_ROWS, Enveloped
from providers.connectors.messagewhiz.inputs import given_changes, given_id, given_name, list_query
from providers.connectors.messagewhiz.outputs import Switched, all_pages, read_id, read_switched
from providers.connectors.messagewhiz.read import object_of, text_of
from providers.connectors.messagewhiz.written import Id, filled
from providers.connectors.operations import Ask, operation, wrong_shape
from providers.errors import RequestRefused


@dataclass(frozen=True, slots=True)
class WordSpinner:
    id: str
    name: str
    words: tuple[str, ...]
    enabled: bool | None


class WordSpinners(Enveloped):
    """Five operations."""

    @operation("POST", "/api/3/spinner", section="Create a Word Spinner")
    def create_word_spinner(self, ask: Ask, *, name: str, words: Sequence[str]) -> WordSpinner:
        body = {"name": given_name("The word spinner", name), "words": _words(words)}
        return self._spinner(self.one(ask(json=body)))

    @operation("GET", "/api/3/spinner", section="Get Word Spinners")
    def list_word_spinners(
        self,
        ask: Ask,
        *,
        limit: int | None = None,
        start: int | None = None,
        enabled: bool | None = None,
        name: str = "",
    ) -> tuple[WordSpinner, ...]:
        """One page: left out, the first 10 that are enabled."""
        query = list_query(limit=limit, start=start, enabled=enabled, name=name)
        return tuple(self._spinner(row) for row in self.rows(ask(query=query)))

    def all_word_spinners(self, *, enabled: bool = True) -> tuple[WordSpinner, ...]:
        """All pages, of those that are enabled or of the others."""
        return all_pages(
            self.connector,
            lambda start: self.list_word_spinners(limit=PAGE_ROWS, start=start, enabled=enabled),
        )

    @operation("PUT", "/api/3/spinner/{id}", section="Modify a Word Spinner")
    def update_word_spinner(
        self, ask: Ask, *, spinner_id: Id, name: str | None = None, words: Sequence[str] | None = None
    ) -> WordSpinner:
        """`words`: all that it shall have."""
        body = given_changes(
            "The word spinner",
            name=None if name is None else given_name("The word spinner", name),
            words=None if words is None else _words(words),
        )
        return self._spinner(self.one(ask(path={"id": given_id("spinner_id", spinner_id)}, json=body)))

    @operation("PATCH", "/api/3/spinner/{id}", section="Modify a Word Spinner")
    def patch_word_spinner(self, ask: Ask, *, spinner_id: Id, enabled: bool) -> Switched:
        path = {"id": given_id("spinner_id", spinner_id)}
        row = object_of(self.connector, self.result(ask(path=path, json={"enabled": enabled})))
        return read_switched(self.connector, path | row)

    @operation("DELETE", "/api/3/spinner/{id}", section="Disable a Word Spinner")
    def disable_word_spinner(self, ask: Ask, *, spinner_id: Id) -> None:
        self.done(ask(path={"id": given_id("spinner_id", spinner_id)}))

    # --- answers ----------------------------------------------------------------------------------

    def _spinner(self, row: dict[str, Any]) -> WordSpinner:
        words = row.get("words")
        if not isinstance(words, list):
            raise wrong_shape(self.connector, "the words of a spinner")
        return WordSpinner(
            read_id(self.connector, row),
            as_text(row.get("name")),
            tuple(text_of(word) for word in words),
            as_flag(row.get("enabled")),
        )


def _words(words: Sequence[str]) -> list[str]:
    if isinstance(words, str):
        raise RequestRefused(f"words is “{words}”: give a list of words.")
    if not words:
        raise RequestRefused("words is empty: give at least one.")
    return [filled("words", word) for word in words]
