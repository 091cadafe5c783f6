"""What a text becomes before there is anybody to send it to: samples, real draws, and its fewest and most parts."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from messaging.content import Content
from messaging.tokens import FIELD_TOKENS
from sms.parts import count_parts, part_count, swap_smart

DRAWS = 5
# So many characters, all choices of words together, are looked at one by one; beyond it only the extremes are.
LOOKED_AT = 50_000
SAMPLES = {info.name: info.sample for info in FIELD_TOKENS}


@dataclass(frozen=True, slots=True)
class PartsRange:
    """Over all words that its spinners may give. `shortest` and `longest`: such texts."""

    fewest: int
    most: int
    shortest: str
    longest: str

    @property
    def varies(self) -> bool:
        return self.fewest != self.most


def sample_values(content: Content) -> dict[str, str]:
    """For each of the recipient's fields in the text a sample; a further column shows its own name."""
    return {name: SAMPLES.get(name, name) for name in content.uses}


def sample_text(content: Content) -> str:
    return content.render(sample_values(content), seed=0)


def draw_texts(content: Content, count: int = DRAWS) -> list[str]:
    """Real draws, by weight: the same may come twice, as it does for people."""
    values = sample_values(content)
    return [content.render(values, seed=secrets.randbits(63)) for _ in range(count)]


def parts_range(content: Content) -> PartsRange | None:
    """With sample values for the recipient's fields. None for a text that cannot be read."""
    if content.errors:
        return None
    texts = [_rendered(content, choice) for choice in _choices(content)]
    measured = [(part_count(text) if text.strip() else 0, len(text), text) for text in texts]
    (fewest, _least, shortest), (most, _most, longest) = min(measured), max(measured)
    return PartsRange(fewest, most, shortest, longest)


def _choices(content: Content) -> Iterator[Sequence[str]]:
    """A word for each token of a spinner, in the order of the text: all choices, or those that can be extreme."""
    tokens = [_words_of(content, id_) for id_ in _spinners_in_turn(content)]
    count = math.prod(map(len, tokens))
    if count * max(len(content.source), 1) <= LOOKED_AT:
        yield from product(*tokens)
    else:
        yield from _extremes(tokens)


def _words_of(content: Content, id_: int) -> list[str]:
    words = [word for word, _weight in content.words[str(id_)]]
    return [swap_smart(word) for word in words] if content.swaps else words


def _extremes(tokens: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """By septets while every word is plain; by UTF-16 units else, with at least one word that is not."""
    plain = [[word for word in words if _is_plain(word)] for words in tokens]
    for pick in _least, _most:
        if all(plain):
            yield [pick(words, _septets) for words in plain]
        chosen = [pick(words, _units) for words in tokens]
        yield chosen
        yield from _with_an_odd_one(tokens, chosen, pick)


Size = Callable[[str], int]
Pick = Callable[[Sequence[str], Size], str]


def _with_an_odd_one(
    tokens: Sequence[Sequence[str]], chosen: Sequence[str], pick: Pick
) -> Iterator[list[str]]:
    """The same with a word outside the plain alphabet where it changes the length least."""
    if not all(map(_is_plain, chosen)):
        return
    swaps = []
    for place, words in enumerate(tokens):
        odd = [word for word in words if not _is_plain(word)]
        if odd:
            word = pick(odd, _units)
            swaps.append((abs(_units(word) - _units(chosen[place])), place, word))
    if swaps:
        _change, place, word = min(swaps)
        yield [*chosen[:place], word, *chosen[place + 1 :]]


def _least(words: Sequence[str], size: Size) -> str:
    return min(words, key=size)


def _most(words: Sequence[str], size: Size) -> str:
    return max(words, key=size)


def _is_plain(word: str) -> bool:
    return not word or count_parts(word).encoding == "GSM-7"


def _septets(word: str) -> int:
    return count_parts(word).units


def _units(word: str) -> int:
    return len(word.encode("utf-16-le", "surrogatepass")) // 2


class _InTurn(Mapping[int, Sequence[tuple[str, int]]]):
    """Words for a text's tokens one after the other: the engine asks for each token in turn."""

    def __init__(self, choice: Sequence[str] | None = None) -> None:
        self.asked: list[int] = []
        self._choice = choice

    def __getitem__(self, id_: int) -> Sequence[tuple[str, int]]:
        self.asked.append(id_)
        return [("" if self._choice is None else self._choice[len(self.asked) - 1], 1)]

    def __iter__(self) -> Iterator[int]:
        return iter(self.asked)

    def __len__(self) -> int:
        return len(self.asked)


def _spinners_in_turn(content: Content) -> list[int]:
    words = _InTurn()
    _render_with(content, words)
    return words.asked


def _rendered(content: Content, choice: Sequence[str]) -> str:
    return _render_with(content, _InTurn(choice))


def _render_with(content: Content, words: _InTurn) -> str:
    chosen = replace(content, lookups=replace(content.lookups, words=words))
    return chosen.render(sample_values(content), seed=0)
