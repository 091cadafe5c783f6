"""What numbers of a file are that have neither + nor 00 in front: told by all of a column, and doubted number by number.

Ten digits may be dialled in the default country and be a number abroad, calling code first, as well: 479 555 0101 is of
Arkansas, +47 95550101 is Norwegian. Such a number stays one of the default country, unless its column is clearly
international.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from contacts.models import UNMARKED_KINDS, NumberForm
from sms.msisdn import Form, Kind, MsisdnError, compile_fast

# Digits, country ("" for none), kind.
Found = tuple[str, str, Kind]

# Of the numbers that differ by form: so many must tell that they are international, and no more than so many that they
# are not.
CLEAR_MAJORITY, HARDLY_ANY = 0.75, 0.1
NEARLY_ALL, HALF = 0.9, 0.5
_FORMS: tuple[Form, Form] = ("national", "international")
# What may be national or international: digits, neither + nor 0 in front.
_IS_PLAIN = re.compile(r"[ ()'\"=]*[1-9][\d ()./\-]{3,}")


def read_in_both_forms(
    cells: Sequence[str], default_country: str
) -> tuple[list[Found | None], list[Found | None]]:
    """Read as national and as international numbers; what shows its form is the same in both."""
    at_home, abroad = (compile_fast(default_country or None, form).read for form in _FORMS)
    home = [_read(at_home, cell) for cell in cells]
    return home, [
        _read(abroad, cell) if _IS_PLAIN.match(cell) else found
        for cell, found in zip(cells, home, strict=True)
    ]


def form_of(cells: Sequence[str], home: Sequence[Found | None], abroad: Sequence[Found | None]) -> str:
    """Of NumberForm; "" where it does not show: none differs by its form, or most are numbers in neither."""
    plain = [at for at, cell in enumerate(cells) if _IS_PLAIN.match(cell)]
    told = [at for at in plain if home[at] or abroad[at]]
    differing = [(home[at], abroad[at]) for at in told if home[at] != abroad[at]]
    if not differing or len(told) < HALF * len(plain):
        return ""
    international = sum(_tells_international(one, other) for one, other in differing)
    national = sum(_tells_national(one, other) for one, other in differing)
    if international >= CLEAR_MAJORITY * len(differing) and national <= HARDLY_ANY * len(differing):
        return NumberForm.INTERNATIONAL
    at_home = sum(home[at] is not None for at in told)
    return NumberForm.NATIONAL if national > international and at_home >= NEARLY_ALL * len(told) else ""


def _tells_international(home: Found | None, abroad: Found | None) -> bool:
    """A number abroad alone, or a mobile there and none at home.

    Texts go to mobiles: 4915123456789 is a German one, or a landline as dialled in Germany.
    """
    return abroad is not None and (home is None or (_is_mobile(abroad) and not _is_mobile(home)))


def _tells_national(home: Found | None, abroad: Found | None) -> bool:
    """The other way round."""
    return home is not None and (abroad is None or (_is_mobile(home) and not _is_mobile(abroad)))


def _is_mobile(found: Found) -> bool:
    """Or perhaps one."""
    return found[2] in UNMARKED_KINDS


def _read(read: Callable[[str], Found], cell: str) -> Found | None:
    try:
        return read(cell)
    except MsisdnError:
        return None


class OtherReading:
    """The number that a writing would be, were it of the other form, and that it may well be.

    Of international ones each of the default country that is read as one of another. Of national ones a mobile of another
    country that is read as a landline; each that is a number of another country, where the column `is_unclear`.
    """

    __slots__ = ("_default_country", "_is_abroad", "_is_unclear", "_read_plainly")

    def __init__(self, default_country: str, form: str, *, is_unclear: bool = False) -> None:
        self._default_country = default_country
        self._is_unclear = is_unclear
        self._is_abroad = form == NumberForm.INTERNATIONAL
        other: Form = "national" if self._is_abroad else "international"
        self._read_plainly = compile_fast(default_country, other).read_plainly

    def of(self, cell: str, found: Found) -> Found | None:
        """Of one that can be read, as `found`; as far as it is plain to see, for a million of them."""
        if not _IS_PLAIN.match(cell):
            return None
        if found[1] == self._default_country if self._is_abroad else self._is_sure(found):
            return None
        other = self.read(cell)
        if other is None or other[0] == found[0]:
            return None
        return other if self._is_abroad or self._is_unclear or _is_mobile(other) else None

    def read(self, cell: str) -> Found | None:
        """As of the other form; None where it is no number in that one, as far as it is plain to see."""
        return self._read_plainly(cell)

    def _is_sure(self, found: Found) -> bool:
        return _is_mobile(found) and not self._is_unclear
