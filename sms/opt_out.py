"""What an inbound text asks for: the opt-out words of PRODUCT.md, per language.

A word counts when it is the whole text: trimmed, in any case, with or without accents, with any punctuation
after it and opening marks before it ("¡Baja!"). A stop word of any language inside a longer text ("we must stop
this") is MAYBE_STOP, and so is a phrase that asks to be left alone ("dont text me again", "wrong number"): a person decides
on the review list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Literal, NamedTuple


class Keyword(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"
    MAYBE_STOP = "maybe_stop"
    NONE = "none"


class LanguageWords(NamedTuple):
    stop: tuple[str, ...]
    start: tuple[str, ...] = ()
    help: tuple[str, ...] = ()


DEFAULT_LANGUAGES = ("en",)
# By ISO 639 code. STOP is understood everywhere: the default languages' words always count.
WORDS: Mapping[str, LanguageWords] = MappingProxyType(
    {
        "en": LanguageWords(
            (
                "STOP",
                "STOPALL",
                "STOP ALL",
                "END",
                "CANCEL",
                "UNSUBSCRIBE",
                "QUIT",
                "REVOKE",
                "OPTOUT",
                "OPT-OUT",
                "OPT OUT",
                "REMOVE",
            ),
            ("START", "YES", "UNSTOP"),
            ("HELP", "INFO"),
        ),
        "fr": LanguageWords(("STOP", "ARRÊT", "DÉSABONNER", "DÉSINSCRIRE", "DÉSINSCRIPTION"), (), ("AIDE",)),
        "es": LanguageWords(("BAJA", "ALTO", "CANCELAR", "PARAR", "DETENER"), ("ALTA",), ("AYUDA",)),
        "de": LanguageWords(("STOPP", "ABMELDEN", "ABBESTELLEN"), ("ANMELDEN",), ("HILFE",)),
        "pt": LanguageWords(("PARAR", "PARE", "SAIR", "CANCELAR", "REMOVER"), (), ("AJUDA",)),
        "it": LanguageWords(("ANNULLA", "CANCELLA", "CANCELLAMI", "DISISCRIVIMI"), (), ("AIUTO",)),
        "he": LanguageWords(
            ("הסר", "הסרה", "להסרה", "הסירו", "הסירו אותי", "הסר אותי", "עצור"), (), ("עזרה",)
        ),
        "uk": LanguageWords(("СТОП", "ВІДПИСАТИСЯ", "ВІДПИСАТИСЬ", "ВІДПИСКА"), (), ("ДОПОМОГА",)),
        "pl": LanguageWords(("WYPISZ", "WYPISZ MNIE", "REZYGNUJĘ", "ANULUJ"), (), ("POMOC",)),
        "nl": LanguageWords(("STOPPEN", "AFMELDEN", "UITSCHRIJVEN"), ("AANMELDEN",), ("HULP",)),
    }
)


def _each(firsts: str, seconds: str, thirds: str = "") -> tuple[str, ...]:
    """Every phrase of one of each; parted by bars."""
    parts = [part.split("|") for part in (firsts, seconds, thirds) if part]
    return tuple(" ".join(words) for words in product(*parts))


# What people write who want to be left alone, by language, apostrophes left out. None of it opts anybody out by itself.
PHRASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "en": (
            *_each(
                "dont|do not|never|pls dont|plz dont",
                "text|txt|message|msg|contact|sms|call|bother|write to|spam",
                "me|us",
            ),
            *_each(
                "dont|do not|never", "text|txt|message|msg|contact|sms", "this number|again|anymore|any more"
            ),
            *_each(
                "dont|do not",
                "send",
                "me any|me anything|me texts|me messages|me these|any more|more|these texts",
            ),
            *_each(
                "no more|no further",
                "text|texts|txt|txts|txting|message|messages|msg|msgs|sms|spam|of these|of this",
            ),
            *_each("dont want|do not want", "your|these|any more|more", "texts|text|messages|msgs|sms|spam"),
            *_each(
                "dont want|do not want",
                "to get|to receive|to hear from",
                "texts|messages|these|this|any|you|sms",
            ),
            *_each(
                "take|get|cross|strike|drop",
                "me|us|my number|this number|my name",
                "off|off your list|from your list",
            ),
            *_each("leave", "me|us", "alone|be|in peace"),
            *_each("lose|delete|forget|erase", "my number|this number|my details|my data"),
            *_each("quit|enough with the", "texting|messaging|texts|messages"),
            *_each("wrong", "number|person|phone|no"),
            *_each("not|no longer", "interested"),
            *_each(
                "never|didnt|did not", "signed up|sign up|subscribed|subscribe|agreed to this|agree to this"
            ),
            *_each("go|piss|fuck|bugger|sod", "away|off"),
            "opt me out",
            "who gave you my number",
            "how did you get my number",
            "reporting you",
            "report you",
            "reported as spam",
            "this is spam",
            "this is harassment",
        ),
        "fr": (
            *_each("ne", "mécrivez|menvoyez|me contactez|me textez|me dérangez", "plus"),
            *_each("nenvoyez|nécrivez", "plus"),
            *_each("plus de|plus aucun|assez de", "sms|texto|textos|message|messages|pub"),
            *_each(
                "laissez moi|laissez-moi|laisse moi|laisse-moi|foutez moi la|foutez-moi la",
                "tranquille|paix|en paix",
            ),
            *_each("retirez|enlevez|supprimez|effacez", "moi|mon numéro"),
            *_each("mauvais|faux", "numéro"),
            "retirez-moi",
            "enlevez-moi",
            "supprimez-moi",
            "pas intéressé",
            "pas intéressée",
            "ça ne mintéresse pas",
        ),
        "es": (
            *_each(
                "no me", "escriban|escriba|escribas|envíen|envíe|envíes|manden|mande|mandes|contacten", "más"
            ),
            *_each("no", "más", "mensajes|sms|textos|publicidad"),
            *_each("no quiero", "más|recibir", "mensajes|sms|textos|publicidad|nada"),
            *_each("déjenme|déjeme|déjame", "en paz|tranquilo|tranquila"),
            *_each(
                "quítenme|sáquenme|bórrenme|elimínenme|bórrame|quítame|elimíname", "de|de la lista|por favor"
            ),
            "bórrenme",
            "quítenme",
            "número equivocado",
            "no me interesa",
        ),
        "de": (
            *_each("keine|keine weiteren|keine mehr", "sms|nachrichten|nachricht|werbung|texte"),
            *_each("keine sms|keine nachrichten|keine werbung|nichts", "mehr"),
            *_each(
                "schreiben sie|schreibt|schreib|schicken sie|schickt|schick|senden sie|sendet",
                "mir",
                "nicht mehr|nichts mehr|keine",
            ),
            *_each("kontaktieren sie|kontaktiert|kontaktier", "mich nicht"),
            *_each("nicht mehr", "schreiben|kontaktieren|anschreiben|texten"),
            *_each("lasst|lass|laßt|lassen sie", "mich", "in ruhe|in frieden"),
            *_each("nehmen sie|nehmt|nimm|streichen sie|streicht|löschen sie|löscht", "mich|meine nummer"),
            *_each("falsche", "nummer|rufnummer|person"),
            "kein interesse",
            "nicht interessiert",
        ),
        "pt": (
            *_each(
                "não me",
                "envie|enviem|mande|mandem|escreva|escrevam|contate|contatem|contacte|contactem",
                "mais",
            ),
            *_each("não quero", "mais|receber", "mensagens|mensagem|sms|nada"),
            *_each("sem mais|chega de", "mensagens|sms|propaganda"),
            *_each("me deixe|me deixem|deixe-me|deixem-me|deixa-me|me deixa", "em paz"),
            *_each("me tire|me tirem|tire-me|tirem-me|me apague|me exclua", "da|dessa|desta|por favor"),
            "número errado",
            "não tenho interesse",
            "não me interessa",
        ),
        "it": (
            *_each(
                "non", "scrivetemi|scrivermi|mandatemi|mandarmi|inviatemi|contattatemi|contattarmi", "più"
            ),
            *_each("basta|niente più|non voglio più", "messaggi|sms|messaggini|pubblicità"),
            *_each("lasciatemi|lasciami|mi lasci", "in pace|stare"),
            *_each("toglietemi|toglimi|cancellatemi|eliminatemi|rimuovetemi", "dalla|da|per favore"),
            "numero sbagliato",
            "non mi interessa",
            "non sono interessato",
            "non sono interessata",
        ),
        "nl": (
            *_each("geen", "sms|smsjes|berichten|berichtjes|reclame", "meer"),
            *_each("stuur|stuurt", "me|mij", "niets meer|niks meer|geen|niet meer"),
            *_each("laat", "me|mij", "met rust"),
            *_each("haal|verwijder|schrap", "me|mij|mijn nummer"),
            "verkeerd nummer",
            "geen interesse",
            "niet geïnteresseerd",
        ),
        "pl": (
            *_each(
                "nie", "piszcie|pisz|wysyłajcie|wysyłaj|kontaktujcie się", "do mnie|do mnie więcej|więcej|mi"
            ),
            *_each("nie chcę", "więcej|żadnych|waszych", "smsów|sms-ów|wiadomości|reklam"),
            *_each("dajcie|daj", "mi", "spokój"),
            *_each("usuńcie|usuń|wykreślcie", "mnie|mój numer"),
            "zły numer",
            "nie jestem zainteresowany",
            "nie jestem zainteresowana",
        ),
        "uk": (
            *_each("не", "пишіть|надсилайте|турбуйте|телефонуйте|присилайте", "мені|більше|мене"),
            *_each("більше не", "пишіть|надсилайте|турбуйте|присилайте"),
            *_each("приберіть|видаліть|викресліть", "мене|мій номер"),
            "відстаньте",
            "дайте спокій",
            "не той номер",
            "помилились номером",
            "мене не цікавить",
        ),
        "he": (
            *_each("אל|לא", "תשלחו|לשלוח", "לי|לי יותר|יותר"),
            *_each("תפסיקו|תפסיק", "לשלוח|לשלוח לי|להטריד"),
            *_each("תעזבו|עזבו|תורידו|תמחקו|הורידו", "אותי"),
            "לא מעוניין",
            "לא מעוניינת",
            "טעות במספר",
            "מספר שגוי",
        ),
    }
)


def classify(text: str, extra_words: Collection[str] = (), *, languages: Collection[str] = ()) -> Keyword:
    """`extra_words`: the workspace's own stop words; `languages`: further keys of WORDS (KeyError).

    A stop word of a language that the workspace does not have set goes to the review list, alone or in a longer text.
    """
    book = _book(tuple(extra_words), tuple(languages))
    words = _normalised(text)
    if words in book.stop:
        return Keyword.STOP
    if words in book.start:
        return Keyword.START
    if words in book.help:
        return Keyword.HELP
    is_maybe = book.inside.search(words) or _asks_to_be_left(words)
    return Keyword.MAYBE_STOP if is_maybe else Keyword.NONE


# Stop words with no other use in a marketing text; the rest counts as an instruction only in capitals.
_PLAIN_SPOKEN = (
    "UNSUBSCRIBE",
    "OPTOUT",
    "OPT-OUT",
    "OPT OUT",
    "DÉSABONNER",
    "DÉSINSCRIRE",
    "DÉSINSCRIPTION",
    "ABMELDEN",
    "ABBESTELLEN",
    "CANCELLAMI",
    "DISISCRIVIMI",
    "ВІДПИСАТИСЯ",
    "ВІДПИСАТИСЬ",
    "ВІДПИСКА",
    "WYPISZ",
    "AFMELDEN",
    "UITSCHRIJVEN",
)
_LINK_AS_WRITTEN = re.compile(r"\{\{\s*unsubscription_link\s*\}\}")


def has_opt_out_wording(text: str, extra_words: Collection[str] = ()) -> bool:
    """Whether an outgoing text says how to opt out: a stop word as people are told it, or the link's token.

    "Reply STOP to opt out" and "Antworte STOPP" do; "Stop by our shop today" does not. `extra_words`: the workspace's.
    """
    if _LINK_AS_WRITTEN.search(text):
        return True
    capitals, plain = _wording(tuple(extra_words))
    return bool(capitals.search(_unaccented(text)) or plain.search(_normalised(text)))


@lru_cache(maxsize=256)
def _wording(extra_words: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = {_unaccented(word) for language in WORDS.values() for word in language.stop}
    words |= {_unaccented(_normalised(word).upper()) for word in extra_words}
    return _alone(words), _alone(_all_normalised(_PLAIN_SPOKEN))


# What a company's own stop word may be: people type it on a phone, and it is the whole text.
MAX_OWN_LETTERS = 30
MAX_OWN_WORDS = 3

OwnWordProblem = Literal["empty", "too_long", "start", "help"]


def own_word_problem(word: str) -> OwnWordProblem | None:
    """Why a workspace cannot have `word` among its own stop words; "start", "help": it means that in some language."""
    plain = _normalised(word)
    if not plain:
        return "empty"
    if len(plain) > MAX_OWN_LETTERS or len(plain.split()) > MAX_OWN_WORDS:
        return "too_long"
    if plain in _all_normalised(word for words in WORDS.values() for word in words.start):
        return "start"
    if plain in _all_normalised(word for words in WORDS.values() for word in words.help):
        return "help"
    return None


# What a provider says of a number that it does not text any more: Twilio's 21610 "unsubscribed recipient", "recipient has
# opted out", "number is blacklisted", "STOP'd", Mx2's "optout". Not: a text that lacks opt-out words, or a blocked sender.
_OPTED_OUT_WORDS = re.compile(
    r"""
    \b(?:has|have|had|is|was|were|already|been|recipient|number|destination|subscriber|customer|user|contact)\W+
      (?:\w+\W+){0,2}opt(?:ed)?[\s_-]?out\b(?![\s_-]*(?:word|language|instruct|text|message|keyword|link|notice|wording))
    | \bopted[\s_-]?out\b
    | \A\W*opt[\s_-]?out\W*\Z
    | \bunsubscribed\b
    | \bstop['\u2019]?d\b
    | \b(?:replied|sent|texted|wrote|responded)\W+(?:with\W+)?stop\b
    | \b(?:recipient|number|destination|subscriber|msisdn|handset)\b(?:\W+\w+){0,4}\W+black-?\s?list(?:ed)?\b
    | \bblack-?\s?listed\W+(?:recipient|number|destination|subscriber|msisdn)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Of our side of the line: then it is not the person who does not want texts.
_OF_SENDERS = re.compile(
    r"\b(?:sender|from|originat\w*|source|short ?code|campaign|your (?:number|account))\b", re.IGNORECASE
)


def says_opted_out(words: str) -> bool:
    """Whether a provider's own words about one recipient tell that the person asked it for no more texts.

    In doubt not: a word that could be about the sender, the text or the account opts nobody out.
    """
    return bool(_OPTED_OUT_WORDS.search(words)) and not _OF_SENDERS.search(words)


class _Book(NamedTuple):
    """Normalised words; `inside` finds a stop word of any language standing alone in a text ("nonstop" has none)."""

    stop: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]
    inside: re.Pattern[str]


@lru_cache(maxsize=256)
def _book(extra_words: tuple[str, ...], languages: tuple[str, ...]) -> _Book:
    chosen = [WORDS[language] for language in dict.fromkeys((*DEFAULT_LANGUAGES, *languages))]
    stop = _all_normalised([*extra_words, *(word for words in chosen for word in words.stop)])
    of_all = _all_normalised(word for words in WORDS.values() for word in words.stop)
    return _Book(
        stop,
        _all_normalised(word for words in chosen for word in words.start) - stop,
        _all_normalised(word for words in chosen for word in words.help) - stop,
        _alone(stop | of_all),
    )


def _asks_to_be_left(words: str) -> bool:
    """By runs of words: one pattern of a thousand phrases would take half a millisecond a text."""
    spoken = _WORD.findall(_without_apostrophes(words))
    phrases, longest = _phrases()
    return any(
        " ".join(spoken[at : at + length]) in phrases
        for at in range(len(spoken))
        for length in range(1, min(longest, len(spoken) - at) + 1)
    )


@lru_cache(maxsize=1)
def _phrases() -> tuple[frozenset[str], int]:
    """Normalised, and how many words the longest one has."""
    found = [
        _WORD.findall(_without_apostrophes(_normalised(one))) for each in PHRASES.values() for one in each
    ]
    return frozenset(" ".join(words) for words in found), max(map(len, found))


_WORD = re.compile(r"[\w-]+")


def _without_apostrophes(words: str) -> str:
    """ "don’t" is mostly written "dont"."""
    return words.translate(_APOSTROPHES)


_APOSTROPHES = dict.fromkeys(map(ord, "'\u2019\u2018\u02bc`\u00b4"))


def _alone(words: Collection[str]) -> re.Pattern[str]:
    """Finds one of the words where no letter, digit or hyphen touches it."""
    longest_first = sorted(words, key=len, reverse=True)
    found = "|".join(re.escape(word) for word in longest_first) or "(?!)"
    return re.compile(rf"(?<![\w-])(?:{found})(?![\w-])")


def _all_normalised(words: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(_normalised, words)))


# Brackets and quotation marks, of which some languages open with those that others close with; and the rest.
_OPENS = ("Ps", "Pi", "Pf")
_OPENING = "¡¿\"'"


def _normalised(text: str) -> str:
    """Casefolded and _unaccented, with single spaces, no punctuation at the end and no opening marks in front."""
    words = " ".join(_unaccented(unicodedata.normalize("NFKC", text).casefold()).split())
    while words and (words[-1].isspace() or unicodedata.category(words[-1])[0] == "P"):
        words = words[:-1]
    while words and (words[0].isspace() or words[0] in _OPENING or unicodedata.category(words[0]) in _OPENS):
        words = words[1:]
    return words


def _unaccented(text: str) -> str:
    """Compatibility forms (NFKD) without accents and invisible marks."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if unicodedata.category(char) not in ("Mn", "Cf"))
