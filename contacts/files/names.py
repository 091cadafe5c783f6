"""A whole name as first and last name. Names know no rules: what is unsure stays with the first one."""

from __future__ import annotations

# Words each, compared in small letters. Titles stand before a name and are no part of it.
TITLES = "mr mrs ms miss mx dr prof sir herr frau monsieur madame mme m señor señora sr sra"
PARTICLES = """
    van von der den de del della dela di da do dos das du des la las los le les ter ten te zu zur zum bin bint ibn ben
    al el af av 't d' y e
"""
SUFFIXES = "jr sr ii iii iv phd md dds esq cpa"
_TITLES, _PARTICLES, _SUFFIXES = (frozenset(words.split()) for words in (TITLES, PARTICLES, SUFFIXES))


def split_name(whole: str) -> tuple[str, str]:
    """ "Ludwig van Beethoven" -> "Ludwig", "van Beethoven"; "Lee, Ann" -> "Ann", "Lee"; one word is a first name."""
    before, comma, after = whole.partition(",")
    if comma and not _are_suffixes(after):
        return _without_titles(after.split()), " ".join(before.split())
    words = whole.replace(",", " ").split()
    titles = _titles(words)
    words = words[titles:] if len(words) - titles > 1 else words
    at = _last_name_at(words)
    return " ".join(words[:at]), " ".join(words[at:])


def _last_name_at(words: list[str]) -> int:
    """Where the last name begins: at its first particle, else at its only word; suffixes stay with it."""
    end = len(words)
    while end > 2 and _bare(words[end - 1]) in _SUFFIXES:
        end -= 1
    particles = (at for at in range(1, end - 1) if words[at].lower() in _PARTICLES)
    return next(particles, max(end - 1, 1))


def _titles(words: list[str]) -> int:
    return next((at for at, word in enumerate(words) if _bare(word) not in _TITLES), len(words))


def _without_titles(words: list[str]) -> str:
    return " ".join(words[_titles(words) :] or words)


def _are_suffixes(text: str) -> bool:
    return all(_bare(word) in _SUFFIXES for word in text.split())


def _bare(word: str) -> str:
    return word.replace(".", "").lower()
