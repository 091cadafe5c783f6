"""Columns of a file: their names, what is in them, and a guess what they are for, by name and by content."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice, takewhile
from typing import Any

from django.utils.translation import gettext as _

from contacts.fields import (
    AT,
    MAX_EXTRA_COLUMNS,
    PERSON_FIELDS,
    PROOF_FIELDS,
    SOURCE,
    UNDONE_AT,
    column_name,
    known_time_zones,
)
from contacts.files.dates import looks_like_date
from contacts.files.formulas import (
    SEMICOLON_COLUMNS,
    is_proof_of_ours,
    is_written_by_us,
    own_columns,
    people_as_exported,
    without_reject_columns,
)
from contacts.files.header_words import (
    CONSENT_WORDS,
    GENDER_WORDS,
    MOBILE_STEMS,
    NAME_WORDS,
    NUMBER_STEMS,
    OPT_OUT_WORDS,
    OTHER_DATE_STEMS,
    WORDS,
)
from contacts.files.number_forms import form_of, read_in_both_forms
from contacts.models import ImportPurpose, NumberForm
from sms.home_countries import likely_country
from sms.msisdn import FastMsisdn, MsisdnError, compile_fast

MSISDN = "msisdn"
# In order of preference: the first one that holds a readable number counts.
NUMBERS = (MSISDN, "msisdn:2", "msisdn:3")
# Goes to first and last name.
WHOLE_NAME = "whole_name"
EXTRA = "extra:"
IGNORED = ""
NAME = "name"  # of _Looked.share
SAMPLES = 3
SAMPLE_LENGTH = 60
UNCUT_LENGTH = 1_000
# So much of a column must be of a kind before its content alone decides.
MOST = 0.6
HALF = 0.5
SOME = 0.1
TRIED_COLUMNS = 3
TRIED_CELLS = 20
MOST_TITLES, TRIED_ROWS = 20, 50


@dataclass(frozen=True, slots=True)
class Column:
    """Shares of the rows looked at. `filled`: that hold anything; of these: `numbers`, that hold a number,
    `whole_names`, that hold a name of several words, `dates`, that hold a date.
    `number_form`: what numbers without plus seem to be; "" where that does not show. The numbers are read so.
    `uncut`: the name in the file, where `name` is only its beginning; else "".
    """

    name: str
    samples: list[str] = field(default_factory=list)
    filled: float = 0.0
    numbers: float = 0.0
    whole_names: float = 0.0
    dates: float = 0.0
    countries: list[str] = field(default_factory=list)
    guess: str = IGNORED
    # Of numbers that cannot be read for want of their country: where they are from, if they show it clearly.
    suggested_country: str = ""
    uncut: str = ""
    number_form: str = ""
    # Left out as a list takes MAX_EXTRA_COLUMNS.
    no_room: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def looks_like_header(
    first: Sequence[str], default_country: str, purpose: str = ImportPurpose.RECIPIENTS
) -> bool:
    """Names are known words, or at least no data: no number, address or figure among them.

    In files of opt-outs words like "SMS" and "e-mail" are data too: how somebody opted out.
    """
    cells = [cell.strip() for cell in first]
    if is_written_by_us(cells):
        return True
    if purpose == ImportPurpose.RECIPIENTS and any(_target_by_name(cell) for cell in cells):
        return True
    read = compile_fast(default_country or None)
    return any(cells) and not any(_is_data(cell, read) for cell in cells)


def count_titles(
    rows: Sequence[Sequence[str]], default_country: str, purpose: str = ImportPurpose.RECIPIENTS
) -> int:
    """How many of the first rows are titles, with fewer cells than the names below them ("Customer list 2026",
    "Exported,21.11.2026").
    """
    read = compile_fast(default_country or None)
    filled = [[cell.strip() for cell in row if cell.strip()] for row in rows[: MOST_TITLES + TRIED_ROWS]]
    usual = Counter(map(len, filled[1:])).most_common(1)
    width = usual[0][0] if usual else 1

    def is_title(cells: Sequence[str]) -> bool:
        is_short = len(cells) == 1 < width or 2 * len(cells) <= width
        return is_short and not any(_target_by_name(cell) or _is_row_data(cell, read) for cell in cells)

    titles = list(takewhile(is_title, filled[:MOST_TITLES]))
    if width == 1:
        titles = _titles_of_one_column(filled, read)
    return len(titles) if len(titles) < len(rows) else 0


def _titles_of_one_column(rows: Sequence[list[str]], read: FastMsisdn) -> list[list[str]]:
    """What stands above "Phone", where numbers follow."""
    words = list(takewhile(lambda cells: not any(_is_row_data(cell, read) for cell in cells), rows))
    named = [at for at, cells in enumerate(words) if _target_by_name(cells[0]) == MSISDN]
    return words[: named[0]] if named and named[0] == len(words) - 1 < len(rows) - 1 else []


def describe_columns(
    names: Sequence[str] | None,
    rows: Sequence[Sequence[str]],
    default_country: str,
    purpose: str = ImportPurpose.RECIPIENTS,
    known_columns: Sequence[str] = (),
) -> list[Column]:
    """`names`: the header row, None where there is none. A target is guessed for one column at most.

    `known_columns`: further ones that the list has; the guess takes them first, as a list takes MAX_EXTRA_COLUMNS.
    """
    width = _width(names, rows)
    cells = [[row[at].strip() if at < len(row) else "" for row in rows] for at in range(width)]
    given = [names[at].strip() if names and at < len(names) else "" for at in range(width)]
    forms = _forms_as_we_write(given)
    looked = [_look(column, default_country, forms.get(at, "")) for at, column in enumerate(cells)]
    if purpose == ImportPurpose.RECIPIENTS:
        dates = [_share_of_dates(column) if _may_be_dates(column) else 0.0 for column in cells]
        guesses = _guess(given, looked, dates, known_columns)
        no_room = _wanting_room(given, looked, guesses)
    else:
        no_room = set()
        dates = [
            _share_of_dates(column, _may_count_days(name)) for column, name in zip(cells, given, strict=True)
        ]
        guesses = _guess_opt_outs(given, looked, dates)
    labels = _labels(given)
    suggested = _suggested_countries(guesses, looked, default_country)
    return [
        Column(
            name=labels[at],
            samples=_samples(cells[at]),
            filled=round(looked[at].filled, 3),
            numbers=round(looked[at].share[MSISDN], 3),
            whole_names=round(looked[at].share[WHOLE_NAME], 3),
            dates=round(dates[at], 3),
            countries=looked[at].countries,
            guess=guesses[at],
            suggested_country=suggested.get(at, ""),
            uncut=_uncut(given[at]),
            number_form=looked[at].form,
            no_room=at in no_room,
        )
        for at in range(width)
    ]


def _width(names: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> int:
    """As wide as most rows, or as the header if that is wider; a few rows of too many cells do not count.

    Columns at the end without name and without content are left out.
    """
    commonest = Counter(len(row) for row in rows).most_common(1)
    width = max(len(names or ()), commonest[0][0] if commonest else 0)

    def is_empty(at: int) -> bool:
        named = bool(names) and at < len(names or ()) and bool((names or ())[at].strip())
        return not named and not any(at < len(row) and row[at].strip() for row in rows)

    while width > 1 and is_empty(width - 1):
        width -= 1
    return width


# --- by name ---

_NOT_KEY = re.compile(r"[\W_]+")


def _key(name: str) -> str:
    plain = "".join(
        char for char in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(char)
    )
    return _NOT_KEY.sub("", plain)


_TARGETS = {_key(word): target for target, words in WORDS.items() for word in words.split()}
_TARGETS |= {_key(name): name for name in PERSON_FIELDS}
_CONSENT = {_key(word): target for target, words in CONSENT_WORDS.items() for word in words.split()}
_NAME_KEYS = frozenset(_key(word) for word in NAME_WORDS.split())
_NUMBER_STEMS = tuple(_key(stem) for stem in NUMBER_STEMS.split())
_MOBILE_STEMS = tuple(_key(stem) for stem in MOBILE_STEMS.split())
_OTHER_DATE_STEMS = tuple(_key(stem) for stem in OTHER_DATE_STEMS.split())
# By target: the place of each word, the surest first.
_PROOF_RANKS = {
    target: {_key(word): rank for rank, word in enumerate(OPT_OUT_WORDS[target].split())}
    for target in (AT, SOURCE)
}
# Where the columns of an export of ours go; not its message, which may be one of another installation.
_OWN_PROOF = {"number": MSISDN} | {name: name for name in PROOF_FIELDS}
# What says by itself that it is when somebody opted out, whatever stands below it.
_SURE_DATES = frozenset(map(_key, OPT_OUT_WORDS[AT].partition(" at ")[0].split()))


def _target_by_name(name: str) -> str:
    return _TARGETS.get(_key(name), "")


def _is_any_name(name: str) -> bool:
    return _key(name) in _NAME_KEYS


def _is_further_number(name: str) -> bool:
    """ "Phone 2", "Mobile (work)"; content alone never makes a second number, as customer numbers look like one."""
    key = _key(name)
    return _target_by_name(name) == MSISDN or any(stem in key for stem in _NUMBER_STEMS)


def _is_mobile(name: str) -> bool:
    return any(stem in _key(name) for stem in _MOBILE_STEMS)


# --- by content ---

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MAY_BE_DATE = re.compile(r"\d{1,4}[./\-]|\d{8}")
# Seven to fifteen digits, not too long, and neither + nor 00 in front.
_MAY_WANT_COUNTRY = re.compile(r"(?=.{7,40}\Z)(?!\+|00)[ ()./\-]*(?:\d[ ()./\-]*){7,15}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][^\d_@/:;,]*(?:, ?[^\W\d_][^\d_@/:;,]*)?")
_GENDERS = frozenset(GENDER_WORDS.split())
_SHAPES: Mapping[str, Callable[[str], bool]] = {
    "email": lambda value: _EMAIL.fullmatch(value) is not None,
    "url": lambda value: _URL.fullmatch(value) is not None,
    "time_zone": lambda value: "/" in value and value in known_time_zones(),
    "gender": lambda value: value.lower() in _GENDERS,
}


@dataclass(frozen=True, slots=True)
class _Looked:
    """`share`: of the filled cells, by target, and those that hold a name.

    `unread`: cells with about as many digits as a number, which is not valid as it is read now; `unread_share`: of the
    filled cells.
    """

    filled: float
    share: dict[str, float]
    countries: list[str]
    unread: list[str]
    unread_share: float
    form: str


def _look(cells: Sequence[str], default_country: str, form: str = "") -> _Looked:
    """`form`: of NumberForm, where it is known what numbers without plus are."""
    filled = [cell for cell in cells if cell]
    home, abroad = read_in_both_forms(filled, default_country)
    form = form or form_of(filled, home, abroad)
    found = abroad if form == NumberForm.INTERNATIONAL else home
    pairs = list(zip(filled, found, strict=True))
    countries = Counter(one[1] for one in found if one)
    numbers = sum(countries.values())
    unread = [cell for cell, one in pairs if not one and _MAY_WANT_COUNTRY.fullmatch(cell)]
    share = {MSISDN: numbers / len(filled) if filled else 0.0}
    for target, is_one in _SHAPES.items():
        share[target] = sum(map(is_one, filled)) / len(filled) if filled else 0.0
    if _may_be_ticks({cell.lower() for cell in filled}):
        share["gender"] = 0.0
    persons = [cell for cell in filled if _NAME.fullmatch(cell)]
    share[NAME] = len(persons) / len(filled) if filled else 0.0
    share[WHOLE_NAME] = sum(" " in cell for cell in persons) / len(filled) if filled else 0.0
    names = [country for country, _count in countries.most_common() if country]
    unread_share = len(unread) / len(filled) if filled else 0.0
    return _Looked(len(filled) / len(cells) if cells else 0.0, share, names, unread, unread_share, form)


def _may_be_ticks(values: set[str]) -> bool:
    """An x alone ticks something off, and d beside f stands for anything."""
    return values <= {"x"} or ("d" in values and values <= {"d", "f", "x"})


def _forms_as_we_write(names: Sequence[str]) -> dict[int, str]:
    """By column, of a file of ours."""
    ours = without_reject_columns(names)
    if tuple(ours[: len(SEMICOLON_COLUMNS)]) != SEMICOLON_COLUMNS:
        return {}
    return {len(names) - len(ours): NumberForm.INTERNATIONAL}


def _suggested_countries(
    guesses: Sequence[str], looked: Sequence[_Looked], default_country: str
) -> dict[int, str]:
    """By column. Asked where most numbers cannot be read; where no country is chosen yet, some are enough.

    Where no column was taken for numbers, of those that look most like numbers without their country.
    """
    at_numbers = [at for at, guess in enumerate(guesses) if guess == MSISDN]
    if not at_numbers:
        unknown = [at for at, one in enumerate(looked) if one.unread_share >= MOST]
        at_numbers = unknown[:TRIED_COLUMNS]
    enough = HALF if default_country else SOME
    return {
        at: likely_country(looked[at].unread, looked[at].countries)
        for at in at_numbers
        if looked[at].unread_share > enough
    }


def _is_data(cell: str, read: FastMsisdn) -> bool:
    if _EMAIL.fullmatch(cell) or _URL.fullmatch(cell):
        return True
    if not any(char.isdigit() for char in cell):
        return False
    try:
        read(cell)
    except MsisdnError:
        return cell.replace(".", "").replace(",", "").isdigit()
    return True


def _is_row_data(cell: str, read: FastMsisdn) -> bool:
    """Data that no title holds: it may have a date, if that is no number as well (20260506)."""
    if not looks_like_date(cell):
        return _is_data(cell, read)
    try:
        read(cell)
    except MsisdnError:
        return False
    return True


def _guess(
    names: Sequence[str], looked: Sequence[_Looked], dates: Sequence[float], known_columns: Sequence[str]
) -> list[str]:
    """Known names first, then content; what is left keeps its own name.

    A column of names that does not say which, where no other column does: whole names are split. In a list that we exported
    each column is what it was.
    """
    number_at = people_as_exported(names)
    if number_at is not None:
        return _as_exported(names, number_at, known_columns)
    guesses = [IGNORED] * len(names)
    taken: set[str] = set()

    def give(at: int, target: str) -> None:
        guesses[at] = target
        taken.add(target)

    for at, target in zip(_number_columns(names, _without_dates(looked, dates)), NUMBERS, strict=False):
        give(at, target)
    has_first_name = any(_target_by_name(name) == "first_name" for name in names)
    for at, name in enumerate(names):
        target = _target_by_name(name)
        if target == "last_name" and _is_any_name(name) and not has_first_name:
            continue
        if not guesses[at] and target and target != MSISDN and target not in taken:
            give(at, target)
    known = {EXTRA + name for name in known_columns}
    room = MAX_EXTRA_COLUMNS - len(known)
    for at, name in enumerate(names):
        consent = _CONSENT.get(_key(name), "")
        target = EXTRA + consent
        has_room = target not in taken and (target in known or room > 0)
        if not guesses[at] and consent and looked[at].filled and has_room:
            give(at, target)
            room -= target not in known
    for at, one in enumerate(looked):
        shape = max(_SHAPES, key=lambda target: one.share[target])
        if not guesses[at] and one.share[shape] >= MOST and shape not in taken:
            give(at, shape)
    for at, name in enumerate(names):
        is_name = _is_any_name(name) and looked[at].share[NAME] >= MOST
        if not guesses[at] and is_name and "first_name" not in taken:
            whole = looked[at].share[WHOLE_NAME] >= HALF and "last_name" not in taken
            give(at, WHOLE_NAME if whole else "first_name")
            taken.add("first_name")
    ours = own_columns(names)
    rest = [at for at, name in enumerate(names) if not guesses[at] and at not in ours and column_name(name)]
    for at in rest:
        target = EXTRA + column_name(names[at])
        if looked[at].filled and target not in taken and (target in known or room > 0):
            give(at, target)
            room -= target not in known
    return guesses


def _as_exported(names: Sequence[str], number_at: int, known_columns: Sequence[str]) -> list[str]:
    """Of a list of ours, which may have columns of its own by the name of anything ("mobile", "name")."""
    plain = [name.strip() for name in names]
    guesses = [
        name if name in PERSON_FIELDS and plain.index(name) == at else IGNORED
        for at, name in enumerate(plain)
    ]
    guesses[number_at] = MSISDN
    known = {EXTRA + name for name in known_columns}
    room = MAX_EXTRA_COLUMNS - len(known)
    ours = own_columns(names)
    for at, name in enumerate(names):
        target = EXTRA + column_name(name)
        is_own = not guesses[at] and at not in ours and target not in {EXTRA, *guesses}
        if is_own and (target in known or room > 0):
            guesses[at] = target
            room -= target not in known
    return guesses


def left_for_want_of_room(columns: Sequence[Mapping[str, Any]], mapping: Sequence[str]) -> int:
    """How many columns the guess left out, as a list takes no more."""
    return sum(bool(one.get("no_room")) and not to for one, to in zip(columns, mapping, strict=True))


def _wanting_room(names: Sequence[str], looked: Sequence[_Looked], guesses: Sequence[str]) -> set[int]:
    """What has a name of its own and would be kept under it, were the list not full."""
    free = [at for at, one in enumerate(looked) if one.filled and not guesses[at]]
    targets = {at: EXTRA + column_name(names[at]) for at in set(free) - own_columns(names)}
    return {at for at, target in targets.items() if target != EXTRA and target not in guesses}


def _guess_opt_outs(names: Sequence[str], looked: Sequence[_Looked], dates: Sequence[float]) -> list[str]:
    """Numbers as in a list of people; date and source by name, a lone column of dates by its content. The rest is left
    out, as an opt-out has no fields.
    """
    if is_proof_of_ours(names):
        return [_OWN_PROOF.get(name.strip(), IGNORED) for name in names]
    guesses = [IGNORED] * len(names)
    exported_at = people_as_exported(names)
    numbers = _number_columns(names, _without_dates(looked, dates)) if exported_at is None else [exported_at]
    for at, target in zip(numbers, NUMBERS, strict=False):
        guesses[at] = target
    for target, ranks in _PROOF_RANKS.items():
        ranked = [(ranks[_key(name)], at) for at, name in enumerate(names) if _key(name) in ranks]
        free = [at for _rank, at in sorted(ranked) if not guesses[at]]
        if target == AT:
            sure = [at for at in free if _key(names[at]) in _SURE_DATES and looked[at].filled]
            free = [at for at in free if dates[at] >= HALF] or sure or _lone_dates(names, dates)
        if free:
            guesses[free[0]] = target
    undone = [at for at, name in enumerate(names) if name.strip() == UNDONE_AT and not guesses[at]]
    for at in undone[:1]:
        guesses[at] = UNDONE_AT
    return guesses


def _without_dates(looked: Sequence[_Looked], dates: Sequence[float]) -> list[_Looked]:
    """20260506 may be a number too; a column of such ones is none of numbers, unless its name says so."""
    return [
        replace(one, share=one.share | {MSISDN: 0.0}) if dates[at] >= MOST else one
        for at, one in enumerate(looked)
    ]


def _lone_dates(names: Sequence[str], dates: Sequence[float]) -> list[int]:
    """The only column of dates, unless its name says that it is about something else."""
    found = [at for at, share in enumerate(dates) if share >= MOST]
    is_other = any(stem in _key(names[at]) for at in found for stem in _OTHER_DATE_STEMS)
    return found if len(found) == 1 and not is_other else []


def _may_be_dates(cells: Sequence[str]) -> bool:
    """A quick look, for files of two hundred columns."""
    return any(map(_MAY_BE_DATE.match, islice(filter(None, cells), TRIED_CELLS)))


def _may_count_days(name: str) -> bool:
    """Whether 45000 below this name is a day, and not a figure of any kind."""
    return _key(name) in _PROOF_RANKS[AT]


def _share_of_dates(cells: Sequence[str], serial: bool = False) -> float:
    filled = [cell for cell in cells if cell]
    return sum(looks_like_date(cell, serial=serial) for cell in filled) / len(filled) if filled else 0.0


def _number_columns(names: Sequence[str], looked: Sequence[_Looked]) -> list[int]:
    """The column with the most numbers, mobiles before others; one named so is believed with few, as those are the
    mistakes. After it further ones that are named so and hold numbers.
    """

    def weight(at: int) -> float:
        named = _target_by_name(names[at]) == MSISDN
        return 2 * looked[at].share[MSISDN] * looked[at].filled + named + HALF * _is_mobile(names[at])

    def is_candidate(at: int) -> bool:
        return looked[at].share[MSISDN] >= MOST or _target_by_name(names[at]) == MSISDN

    candidates = [at for at in range(len(names)) if is_candidate(at)]
    best = sorted(candidates, key=lambda at: (-weight(at), at))
    further = [at for at in best[1:] if looked[at].share[MSISDN] >= MOST and _is_further_number(names[at])]
    return [*best[:1], *further]


# --- how a column is shown ---


def _labels(names: Sequence[str]) -> list[str]:
    """Each name once: empty ones are numbered, repeated ones marked. Fit for JSON and any database."""
    labels: list[str] = []
    for at, name in enumerate(names, start=1):
        label = _printable(name[:SAMPLE_LENGTH]).strip() or _("Column %(number)d") % {"number": at}
        labels.append(label if label not in labels else f"{label} ({at})")
    return labels


def _uncut(name: str) -> str:
    """The whole of a name that a label cuts. Of one longer than any name a part that it is known by."""
    if len(name) <= SAMPLE_LENGTH:
        return ""
    if len(name) > UNCUT_LENGTH:
        mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
        name = f"{name[: UNCUT_LENGTH - len(mark)]}{mark}"
    return _printable(name)


def _samples(cells: Sequence[str]) -> list[str]:
    distinct = dict.fromkeys(cell for cell in cells if cell)
    return [_shown(cell) for cell, _same in zip(distinct, range(SAMPLES), strict=False)]


def _shown(cell: str) -> str:
    plain = _printable(cell[: SAMPLE_LENGTH + 1])
    return plain if len(plain) <= SAMPLE_LENGTH else f"{plain[: SAMPLE_LENGTH - 1]}…"


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
