"""Which code page bytes are of, by the letters of languages: right is the page in which words are words. Pure.

Names hold few letters beyond ASCII, too few for statistics of a language. But read in the wrong page they hold letters
that no language has in one word ("Dvoøák"), signs amid letters ("Pawe³") or capitals amid small ones ("JŠger").
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

SAMPLE_BYTES = 64 * 1024
# The first of equals counts.
WESTERN = ("cp1252", "cp850", "mac-roman", "cp437")
CENTRAL = ("cp1250", "iso8859-2", "cp852")
LATIN_PAGES: Mapping[str, str] = {
    "cp1252": "western",
    "cp1250": "central",
    "iso8859-2": "central",
    "cp1254": "turkish",
    "cp1257": "baltic",
    "cp1258": "vietnamese",
    "cp850": "western",
    "mac-roman": "western",
    "cp852": "central",
    "cp437": "western",
}
OTHER_PAGES: Mapping[str, str] = {
    "cp1251": "cyrillic",
    "koi8-r": "cyrillic",
    "koi8-u": "cyrillic",
    "iso8859-5": "cyrillic",
    "cp866": "cyrillic",
    "mac-cyrillic": "cyrillic",
    "cp1253": "greek",
    "cp1255": "hebrew",
    "cp1256": "arabic",
}
# Small letters beyond ASCII; after a bar ASCII letters that the language does not have.
LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "western": {
        "German": "äöüßé",
        "French": "àâæçéèêëîïôœùûüÿ",
        "Spanish": "áéíñóúü|kw",
        "Portuguese": "áâãàçéêíóôõúü",
        "Italian": "àèéìíòóùú|jkwxy",
        "Catalan": "àçèéíïòóúü|kw",
        "Swedish": "åäöéü",
        "Danish": "æøåéäöü",
        "Icelandic": "áðéíóúýþæö|cqwz",
        "Dutch": "áéëïóöüèçê",
        "Irish": "áéíóú",
    },
    "central": {
        "Polish": "ąćęłńóśźż|qvx",
        "Czech": "áčďéěíňóřšťúůýž",
        "Slovak": "áäčďéíĺľňóôŕšťúýž",
        "Hungarian": "áéíóöőúüű",
        "Romanian": "ăâîşţșț",
        "Croatian": "čćđšž",
        "German": "äöüß",
    },
    "turkish": {"Turkish": "çğıöşüâîûİ|qwx", "German": "äöüß", "French": "àâçéèêëîïôùûü"},
    "baltic": {
        "Lithuanian": "ąčęėįšųūž|qwx",
        "Latvian": "āčēģīķļņšūž|qwxy",
        "Estonian": "äöüõšž",
    },
    "vietnamese": {"Vietnamese": "àáâãèéêìíòóôõùúýăđĩũơư\u0300\u0301\u0303\u0309\u0323|fjwz"},
    "cyrillic": {
        "Russian": "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "Ukrainian": "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
        "Serbian": "абвгдђежзијклљмнњопрстћуфхцчџш",
    },
    "greek": {"Greek": "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"},
    "hebrew": {"Hebrew": "אבגדהוזחטיךכלםמןנסעףפץצקרשת"},
    "arabic": {"Arabic": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي"},
}
# Where a letter does not stand: "õ" of Portuguese has an "e" behind it, "ï" of French a vowel in front.
_NEVER = {
    "Portuguese": "õ(?!e)|ã(?![eos]|\\b)",
    "French": "(?<![aeou])ï",
    "Catalan": "(?<![aeou])ï",
    "Dutch": "(?<![aeou])ï",
}
# The commonest letters of names and texts, of each alphabet: a third of it makes most of a text.
COMMON: Mapping[str, str] = {
    "cyrillic": "оеаинтсрвлкмі",
    "greek": "αοιετσνηρςόίά",
    "hebrew": "יוהלאמרתבנש",
    "arabic": "اليمنروتبعد",
}
# Of two pages the better one must be so much better, and so good.
MARGIN = 0.05
GOOD = 0.75
SURE = 0.95
# What a word is worth that is none of the file's own language, but of another one of the page.
OF_ANOTHER = 0.9
DISTINCT_WORDS = 2

_BETWEEN = re.compile("[\\s\x00-\x40\x5b-\x60\x7b-\x7f’]+")
_AROUND = "“”„‚‘«»‹›…–—·•€"
_BEHIND = "®™©°†‡ºª"


@dataclass(frozen=True, slots=True)
class _Language:
    letters: frozenset[str]
    lacks: frozenset[str]
    never: re.Pattern[str]

    def has(self, word: str) -> bool:
        """A word in small letters."""
        if self.never.search(word):
            return False
        return all(char in self.letters or (char.isascii() and char not in self.lacks) for char in word)


def _languages(group: str) -> dict[str, _Language]:
    parted = {name: letters.partition("|") for name, letters in LANGUAGES[group].items()}
    return {
        name: _Language(frozenset(has), frozenset(lacks), re.compile(_NEVER.get(name, "(?!)")))
        for name, (has, _bar, lacks) in parted.items()
    }


_LANGUAGES = {group: _languages(group) for group in LANGUAGES}


def latin_page(sample: bytes) -> str:
    """Of text in Latin letters; "" where none is better than Windows-1252, or too little shows it."""
    scores = {page: _score(sample, page, group) for page, group in LATIN_PAGES.items()}
    # Of equals the one that leaves fewer bytes to quotation marks and the like, and then the first.
    best = max(scores, key=lambda page: (scores[page], _words(sample, page).total()))
    is_clear = scores[best] >= GOOD and scores[best] > scores["cp1252"] + MARGIN
    is_clear = is_clear and len(_words(sample, best)) >= DISTINCT_WORDS
    return best if is_clear and best != "cp1252" else ""


def other_page(sample: bytes, detected: str) -> str:
    """Of text in another alphabet; `detected`: what a detector says, which counts among equals, or "" ."""
    scores = {page: _score(sample, page, group) for page, group in OTHER_PAGES.items()}
    ranks = {page: (score, _commonness(sample, page)) for page, score in scores.items() if score >= SURE}
    if not ranks:
        return detected
    best = max(ranks, key=lambda page: sum(ranks[page]))
    if detected in ranks and sum(ranks[detected]) + MARGIN >= sum(ranks[best]):
        return detected
    return best


def _score(sample: bytes, page: str, group: str) -> float:
    """The share of words beyond ASCII that are words of one language, a little less for those of another one."""
    words = _words(sample, page)
    total = words.total()
    if not words:
        return 1.0 if page == "cp1252" else 0.0
    fits: Counter[str] = Counter()
    any_fit = 0
    for word, count in words.items():
        if not _is_written_right(word):
            continue
        small = _small(word, group)
        names = [name for name, language in _LANGUAGES[group].items() if language.has(small)]
        any_fit += count if names else 0
        for name in names:
            fits[name] += count
    own = max(fits.values(), default=0)
    return (own + OF_ANOTHER * (any_fit - own)) / total


def _words(sample: bytes, page: str) -> Counter[str]:
    """With what stands amid or beside their letters, if any of that is beyond ASCII."""
    text = sample[:SAMPLE_BYTES].decode(page, "replace")
    words = (word.strip(_AROUND).rstrip(_BEHIND) for word in _BETWEEN.split(text) if not word.isascii())
    return Counter(word for word in words if not word.isascii() and any(map(str.isalpha, word)))


def _small(word: str, group: str) -> str:
    # Python knows one small i only, and makes of the dotted capital two characters.
    turkish = word.replace("İ", "i") if group == "turkish" else word
    return turkish.lower()


def _is_written_right(word: str) -> bool:
    """A capital beyond ASCII begins the word, or all of it is in capitals; a small one does not stand among capitals."""
    if not all(char.isalpha() or unicodedata.combining(char) for char in word):
        return False
    rest = word[1:]
    if any(char.isupper() and not char.isascii() for char in rest):
        return not any(char.islower() for char in word)
    is_small_first = word[0].islower() and not word[0].isascii()
    if is_small_first and any(char.isupper() for char in rest):
        return False
    capitals = sum(char.isupper() for char in word)
    smalls = [char for char in word if char.islower()]
    return capitals < 3 or len(smalls) != 1 or smalls[0] in "ßı"


def _commonness(sample: bytes, page: str) -> float:
    """The share of letters that are among the commonest of the alphabet."""
    letters = COMMON[OTHER_PAGES[page]]
    counts = Counter(char for word in _words(sample, page).elements() for char in word.lower())
    beyond = sum(count for char, count in counts.items() if not char.isascii())
    return sum(counts[char] for char in letters) / max(beyond, 1)
