"""The tokens of a text: {{first_name}}, {{first_name|there}}, {{link:12}} (PRODUCT.md, Tokens).

A text is compiled once and rendered for each recipient. Compiling raises nothing: whatever is wrong is in
`.errors`, each at its place. Single braces are text, and so is every value: a value that holds {{…}} is never
rendered again.

    kind                what stands in the text
    field               values[name]; missing or empty: the default, or nothing
    random_symbol       a letter or digit (one septet), chosen by the seed
    word_spinner:ID     one of lookups.words[ID], chosen by the seed, weights counted
    every other kind    lookups.link(kind, ID or 0, reader)

The seed is known before anything is planned (messaging/content.py, seed_of): so an estimate draws what sending draws.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

FIELD = "field"
RANDOM_SYMBOL = "random_symbol"
WORD_SPINNER = "word_spinner"
LINK, LINK_LIST, SHORTEN_URL = "link", "link_list", "shorten_url"
UNSUBSCRIPTION_LINK, CALLBACK_LINK = "unsubscription_link", "callback_link"
VERIFICATION_CODE = "verification_code"
LINKS = frozenset({LINK, LINK_LIST, SHORTEN_URL, UNSUBSCRIPTION_LINK, CALLBACK_LINK})
# The recipient's field behind them.
OWN_URL = "url"
# Those whose clicks are told by person.
CLICKED_LINKS = LINKS - {UNSUBSCRIPTION_LINK}
NEEDS_OWN_URL = frozenset({SHORTEN_URL, CALLBACK_LINK})
# Neither 0 and O nor 1, l and I: people read codes aloud.
SYMBOLS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """For the editor's menu. `written`: as it goes into a text, ID standing for a number."""

    name: str
    label: str
    sample: str
    needs_id: bool = False

    @property
    def noun(self) -> str:
        return self.name.replace("_", " ")

    @property
    def written(self) -> str:
        return f"{{{{{self.name}:ID}}}}" if self.needs_id else f"{{{{{self.name}}}}}"


FIELD_TOKENS: tuple[TokenInfo, ...] = (
    TokenInfo("first_name", "First name", "Alice"),
    TokenInfo("last_name", "Last name", "Miller"),
    TokenInfo("email", "E-mail", "alice@example.com"),
    TokenInfo("url", "Own URL", "https://example.com/alice"),
    TokenInfo("gender", "Gender", "female"),
    TokenInfo("custom", "Custom", "gold"),
    TokenInfo("custom1", "Custom 1", "A-1001"),
    TokenInfo("custom2", "Custom 2", "Main Street"),
    TokenInfo("custom3", "Custom 3", "14:30"),
    TokenInfo("custom4", "Custom 4", "19.90"),
)
SPECIAL_TOKENS: tuple[TokenInfo, ...] = (
    TokenInfo(RANDOM_SYMBOL, "Random symbol", "k"),
    TokenInfo(WORD_SPINNER, "Word of a spinner", "Hello", needs_id=True),
    TokenInfo("link", "Tracked link", "https://example.com/x7Kp2", needs_id=True),
    TokenInfo("link_list", "Link of a list", "https://example.com/Qm4zT", needs_id=True),
    TokenInfo("shorten_url", "Own URL, shortened", "https://example.com/b8Rw5"),
    TokenInfo("unsubscription_link", "Unsubscribe link", "https://example.com/u/c3Vn9"),
    TokenInfo("verification_code", "Verification code", "482913"),
    TokenInfo("callback_link", "Link with callback", "https://example.com/f6Hd2"),
)
ALL_TOKENS = FIELD_TOKENS + SPECIAL_TOKENS
FIELD_NAMES = frozenset(info.name for info in FIELD_TOKENS)
SPECIAL: Mapping[str, TokenInfo] = MappingProxyType({info.name: info for info in SPECIAL_TOKENS})
# What needs nothing but the recipient's values and the seed.
SELF_CONTAINED = frozenset({FIELD, RANDOM_SYMBOL})


class Reader(NamedTuple):
    """Whom a text is rendered for. `message_id` is 0 and `place` unknown before the ledger has a row for it."""

    values: Mapping[str, str]
    seed: int
    message_id: int = 0
    place: int = 0


def _no_link(kind: str, id_: int, reader: Reader) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Lookups:
    """What tokens stand for beyond the values.

    `words`: of each spinner its words with the sum of weights up to and with each. `link(kind, id or 0, reader)` gives
    an address or code.
    """

    words: Mapping[int, Sequence[tuple[str, int]]] = field(default_factory=lambda: MappingProxyType({}))
    link: Callable[[str, int, Reader], str] = _no_link


NO_LOOKUPS = Lookups()


@dataclass(frozen=True, slots=True)
class TokenError:
    """`start` and `end` count code points of the source; `line` and `column` are those of `start`, from 1."""

    sentence: str
    start: int
    end: int
    line: int
    column: int


# The text that stands for one token.
_Piece = Callable[[Reader, Lookups], str]


@dataclass(frozen=True, slots=True)
class CompiledText:
    """`uses`: names that rendering looks up in the values; `references`: (kind, id), in order, once each."""

    source: str
    errors: tuple[TokenError, ...]
    kinds: frozenset[str]
    uses: frozenset[str]
    references: tuple[tuple[str, int], ...]
    # The source as a %-template, with (name, default) for each %s, or with pieces where not all are fields.
    _template: str
    _fields: tuple[tuple[str, str], ...] | None
    _pieces: tuple[_Piece, ...]

    @property
    def personal(self) -> bool:
        """Whether two recipients may get different texts."""
        return bool(self._pieces)

    def render(self, reader: Reader, lookups: Lookups = NO_LOOKUPS) -> str:
        """The text for one recipient. The same seed makes the same choices.

        Raises nothing of its own: a token with an error stands as it was written.
        """
        if self._fields is None:
            return self._template % tuple([piece(reader, lookups) for piece in self._pieces])
        get = reader.values.get
        return self._template % tuple([get(name) or default for name, default in self._fields])


def compile_text(
    source: str,
    *,
    columns: Collection[str],
    available: Collection[str] = SELF_CONTAINED,
    existing: Mapping[str, Collection[int]] | None = None,
    problems: Mapping[tuple[str, int], str] | None = None,
) -> CompiledText:
    """`columns`: names of further columns; `available`: kinds the caller fills in ("field" and names of
    SPECIAL_TOKENS); `existing`: by kind the ids that there are (a kind that is missing is not checked); `problems`: why
    one that is there cannot be used, a sentence by kind and id (0 of a kind without ids).
    """
    return _Compiler(source, columns, available, existing or {}, problems or {}).compile()


def referenced(source: str) -> dict[str, set[int]]:
    """By kind the ids that a text names, whether its tokens are right or not: what to look up before compiling."""
    found: dict[str, set[int]] = {}
    for kind, id_text in _REFERENCE.findall(source):
        found.setdefault(kind, set()).add(int(id_text))
    return found


def named(source: str) -> set[str]:
    """What stands between the braces of its closed tokens, without defaults, as `compile_text` reads them."""
    return {token.name for token in _Compiler(source, (), (), {}, {}).tokens()}


def literals(source: str) -> Iterator[tuple[int, str]]:
    """What stands between its closed tokens: where it begins, and the text."""
    done = 0
    for token in _Compiler(source, (), (), {}, {}).tokens():
        yield done, source[done : token.start]
        done = token.end
    yield done, source[done:]


class Placed(NamedTuple):
    start: int
    end: int
    name: str


def placed_tokens(source: str) -> Iterator[Placed]:
    """Each closed token, whether there is such a one or not; `name` without its default."""
    for token in _Compiler(source, (), (), {}, {}).tokens():
        yield Placed(token.start, token.end, token.name)


_REFERENCE = re.compile(r"\{\{\s*([a-z_]+)\s*:\s*([1-9][0-9]{0,17})\s*(?:\|[^{}]*)?\}\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    name: str
    default: str | None


# Unknown names for which the one that was meant is looked for: each takes a fifth of a millisecond.
MEANT_MOST = 50
_OPEN, _CLOSE = "{{", "}}"
_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class _Wrong(Exception):
    """A token that cannot be compiled; carries the sentence for people."""


class _Compiler:
    def __init__(
        self,
        source: str,
        columns: Collection[str],
        available: Collection[str],
        existing: Mapping[str, Collection[int]],
        problems: Mapping[tuple[str, int], str],
    ) -> None:
        self.source = source
        self.columns = frozenset(columns)
        self.available = frozenset(available)
        self.existing = existing
        self.problems = problems
        self.errors: list[TokenError] = []
        self.kinds: set[str] = set()
        self.fields: list[tuple[str, str]] = []
        self.references: dict[tuple[str, int], None] = {}
        self.pieces: list[_Piece] = []
        self.nearest: dict[str, str] = {}

    def compile(self) -> CompiledText:
        template, done = [], 0
        for token in self.tokens():
            try:
                piece = self._piece(token)
            except _Wrong as wrong:
                self._report(str(wrong), token.start, token.end)
                continue
            template.append(_literal(self.source[done : token.start]))
            self.pieces.append(piece)
            done = token.end
        template.append(_literal(self.source[done:]))
        only_fields = len(self.fields) == len(self.pieces)
        return CompiledText(
            source=self.source,
            errors=tuple(sorted(self.errors, key=lambda error: error.start)),
            kinds=frozenset(self.kinds),
            uses=frozenset(name for name, _default in self.fields)
            | ({OWN_URL} if self.kinds & NEEDS_OWN_URL else frozenset()),
            references=tuple(self.references),
            _template="%s".join(template),
            _fields=tuple(self.fields) if only_fields else None,
            _pieces=tuple(self.pieces),
        )

    def tokens(self) -> Iterator[_Token]:
        """Each closed token; what is opened and not closed is reported on the way."""
        at, close = self.source.find(_OPEN), self.source.find(_CLOSE)
        while at >= 0:
            if self.source[at + 2 : at + 3] == "{" and self.source[at + 3 : at + 4] != "{":
                at += 1  # a single brace as text before a token
            inside = at + len(_OPEN)
            if 0 <= close < inside:
                close = self.source.find(_CLOSE, inside)
            opened = self.source.find(_OPEN, inside)
            if close < 0 or 0 <= opened < close:
                self._report(self._unclosed(at, opened), at, inside)
                at = opened
                continue
            name, bar, default = self.source[inside:close].partition("|")
            end = close + len(_CLOSE)
            yield _Token(at, end, name.strip(), default.strip() if bar else None)
            at = self.source.find(_OPEN, end)

    def _unclosed(self, at: int, opened: int) -> str:
        stop = opened if opened >= 0 else len(self.source)
        start_of_it = _shortened(self.source[at:stop])
        if opened >= 0:
            return (
                f"“{start_of_it}” is not closed before the next {{{{ opens: write }}}} after its name; "
                "a token cannot stand inside another."
            )
        return f"“{start_of_it}” is not closed: write }}}} after its name."

    def _report(self, sentence: str, start: int, end: int) -> None:
        line = bisect_right(self._line_starts, start)
        column = start - self._line_starts[line - 1] + 1
        self.errors.append(TokenError(sentence, start, end, line, column))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.source))]

    def _piece(self, token: _Token) -> _Piece:
        """What renders the token; its kind and references are noted. Raises _Wrong."""
        name = token.name
        if not name:
            raise _Wrong("A token without a name: write one between the braces, such as {{first_name}}.")
        kind, colon, id_text = (part.strip() for part in name.partition(":"))
        if name in FIELD_NAMES or (name in self.columns and kind not in SPECIAL):
            self._require(FIELD, name)
            self.kinds.add(FIELD)
            self.fields.append((name, token.default or ""))
            return _field_piece(name, token.default or "")
        info = SPECIAL.get(kind)
        if info is None:
            raise _Wrong(self._unknown(kind, bool(colon)))
        self._require(kind, name)
        id_ = self._id(info, id_text, bool(colon))
        if token.default is not None:
            raise _Wrong(f"{{{{{name}}}}} takes no default: remove “|{_shortened(token.default)}”.")
        return self._special_piece(kind, id_)

    def _id(self, info: TokenInfo, id_text: str, has_colon: bool) -> int:
        """The id of a token, 0 where it has none. Raises _Wrong."""
        if not info.needs_id:
            if has_colon:
                raise _Wrong(f"{{{{{info.name}}}}} takes no number: remove “:{_shortened(id_text)}”.")
            if problem := self.problems.get((info.name, 0)):
                raise _Wrong(f"{{{{{info.name}}}}}: {problem}")
            return 0
        if not _ID.fullmatch(id_text):
            said = f"“{_shortened(id_text)}” is none" if id_text else "none is given"
            raise _Wrong(
                f"{{{{{info.name}:ID}}}} needs a number for ID, such as {{{{{info.name}:12}}}}: {said}."
            )
        known = self.existing.get(info.name)
        if known is not None and int(id_text) not in known:
            raise _Wrong(f"{{{{{info.name}:{id_text}}}}}: there is no {info.noun} with the number {id_text}.")
        problem = self.problems.get((info.name, int(id_text)))
        if problem:
            raise _Wrong(f"{{{{{info.name}:{id_text}}}}}: {problem}")
        return int(id_text)

    def _require(self, kind: str, name: str) -> None:
        if kind not in self.available:
            shown = _shortened(name)
            raise _Wrong(f"{{{{{shown}}}}} is not available here: {_INSTEAD.get(kind, 'remove it.')}")

    def _special_piece(self, kind: str, id_: int) -> _Piece:
        place = len(self.pieces)
        self.kinds.add(kind)
        if id_:
            self.references[kind, id_] = None
        if kind == RANDOM_SYMBOL:
            return _symbol_piece(place)
        if kind == WORD_SPINNER:
            return _spinner_piece(id_, place)
        return _link_piece(kind, id_)

    def _unknown(self, name: str, has_colon: bool) -> str:
        shown = f"{{{{{_shortened(name)}{':…' if has_colon else ''}}}}}"
        nearest = self._nearest(name)
        if nearest:
            return f"{shown} is no token: did you mean {nearest}?"
        return (
            f"{shown} is no token and no column of your lists: choose one from the token menu or remove it."
        )

    def _nearest(self, name: str) -> str:
        """The token most like it, as written in a text; "" if none is, or where many names were unknown already."""
        if name not in self.nearest:
            self.nearest[name] = self._look_for(name) if len(self.nearest) < MEANT_MOST else ""
        return self.nearest[name]

    def _look_for(self, name: str) -> str:
        written = {info.name: info.written for info in ALL_TOKENS}
        written |= {column: f"{{{{{column}}}}}" for column in self.columns}
        by_form = {_form(known): known for known in written}
        close = difflib.get_close_matches(_form(name), list(by_form), n=1, cutoff=0.6)
        return written[by_form[close[0]]] if close else ""


_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        FIELD: "write the text itself instead.",
        WORD_SPINNER: "write one of its words instead.",
        "link": "write the address itself instead.",
        "link_list": "write one address instead.",
        "shorten_url": "write {{url}} instead.",
        "unsubscription_link": "write “Reply STOP to opt out” instead.",
        "callback_link": "write the address itself instead.",
        VERIFICATION_CODE: "it stands for the code of a verification, which is sent by itself. Remove it.",
    }
)


def _field_piece(name: str, default: str) -> _Piece:
    return lambda reader, lookups: reader.values.get(name) or default


def _symbol_piece(place: int) -> _Piece:
    return lambda reader, lookups: SYMBOLS[choice(reader.seed, place, len(SYMBOLS))]


def _spinner_piece(id_: int, place: int) -> _Piece:
    def piece(reader: Reader, lookups: Lookups) -> str:
        words = lookups.words.get(id_)
        return _drawn(words, reader.seed, place) if words else ""

    return piece


def _drawn(words: Sequence[tuple[str, int]], seed: int, place: int) -> str:
    drawn = choice(seed, place, words[-1][1])
    return words[bisect_right(words, drawn, key=_up_to)][0]


_up_to = itemgetter(1)


def _link_piece(kind: str, id_: int) -> _Piece:
    return lambda reader, lookups: lookups.link(kind, id_, reader)


_64 = (1 << 64) - 1


def choice(seed: int, place: int, count: int) -> int:
    """A number below `count`, evenly spread over seeds and places, the same for ever (SplitMix64's mixer).

    Not random.Random: its choices may change with Python's version, and it is slow to seed.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + (place + 1) * 0xD1B54A32D192ED03) & _64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _64
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _64
    return ((mixed ^ (mixed >> 31)) * count) >> 64


def _literal(text: str) -> str:
    return text.replace("%", "%%")


def _form(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip()).casefold()


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 30 else line[:29] + "…"
