"""From records of a file to clean rows of recipients, or to the reason why not. Pure: no database.

Written for a million rows: the common row takes a few microseconds, everything odd goes to a slower function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

from contacts.fields import (
    MULTI_LINE,
    PERSON_FIELDS,
    PROOF_FIELDS,
    SOURCE,
    STORED_PROOF,
    known_time_zones,
    limit_of,
)
from contacts.files.columns import EXTRA, NUMBERS, WHOLE_NAME
from contacts.files.dates import LAST_MOMENT, looks_like_date
from contacts.files.names import split_name
from contacts.files.number_forms import Found, OtherReading
from contacts.files.proofs import ProofReader, UndoneOptOut
from contacts.files.reading import Broken, Record
from contacts.files.seen import ManyNumbers
from contacts.models import UNMARKED_KINDS, NumberForm
from contacts.problems import (
    CUT,
    KEPT_ROWS,
    KIND,
    LIKE_DATE,
    NOTICED,
    OF_OTHER_FORM,
    TOO_LONG,
    TWO_NUMBERS,
    UNDONE,
    Problem,
    Problems,
    reason_for,
)
from sms.msisdn import MsisdnError, compile_fast

SAMPLE_LENGTH = 60
# So many numbers are remembered in a set, which takes seventy bytes each; those before them in ten.
RECENT_NUMBERS = 1 << 17
# The United Nations' code of the world: of numbers that belong to no country.
WORLD = "001"

# (digits, country, kind, values in the order of Plan.stored) -> what the writer takes
Emit = Callable[[str, str, str, list[str]], Any]
# A text as a JSON string.
Quote = Callable[[str], str]
# (row number, its cells, why)
OnRefused = Callable[[int, Sequence[str], str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """`mapping`: per column of the file one of NUMBERS, WHOLE_NAME, a field of Recipient, extra:<name>, or ""."""

    mapping: tuple[str, ...]
    default_country: str = ""
    truncate: bool = False
    has_header: bool = True
    # Whether readable numbers of refused rows count as being in the file (Parser.holds).
    spares_refused: bool = False
    # Whether numbers that are no mobiles are noticed.
    notices_kinds: bool = True
    # Whether numbers of eight digits that are dates as well are noticed.
    notices_dates: bool = False
    # Of NumberForm, by column; of those that are not named national.
    number_forms: Mapping[int, str] = field(default_factory=dict)
    # Whether nobody has chosen the forms: what may be a number in the other one as well is noticed.
    forms_are_guessed: bool = False
    # Number columns whose values show no form.
    unclear_at: frozenset[int] = frozenset()
    # The row of the names, where rows above it are no data.
    header_row: int = 0

    @property
    def fields(self) -> list[str]:
        """Of Recipient, in its own order."""
        both = ("first_name", "last_name") if WHOLE_NAME in self.mapping else ()
        return [name for name in PERSON_FIELDS if name in self.mapping or name in both]

    @property
    def numbers_at(self) -> list[int]:
        """Where numbers stand, the preferred one first."""
        return [self.mapping.index(target) for target in NUMBERS if target in self.mapping]

    def column_of(self, target: str) -> int:
        splits = WHOLE_NAME in self.mapping and target in {"first_name", "last_name"}
        return self.mapping.index(WHOLE_NAME if splits else target)

    @property
    def extras(self) -> list[str]:
        return [target.removeprefix(EXTRA) for target in self.mapping if target.startswith(EXTRA)]

    @property
    def stored(self) -> list[str]:
        """Columns of the table that the file fills, besides number and country."""
        return [*self.fields, *(["extra"] if self.extras else [])]


@dataclass(frozen=True, slots=True)
class OptOutPlan(Plan):
    """`mapping`: per column one of NUMBERS, PROOF_FIELDS or "". Dates are of `zone`, and none may lie after `latest`.

    A row that tells its number is taken, whatever else is wrong with it: who asked not to be texted is not.
    """

    zone: tzinfo = UTC
    latest: datetime = LAST_MOMENT
    # Of DateOrder.
    date_order: str = ""
    # The proof of rows that have none.
    file_name: str = ""

    @property
    def fields(self) -> list[str]:
        return [name for name in PROOF_FIELDS if name in self.mapping]

    @property
    def extras(self) -> list[str]:
        return []

    @property
    def stored(self) -> list[str]:
        return list(STORED_PROOF)


@dataclass(slots=True)
class Chunk:
    """rows = len(items) + duplicate + skipped + refused, always. `cut` counts rows, `problems` tell of values.

    `item_rows`: for each item the number of its row in the file.
    `duplicates`: (row number, digits) of the first ones.
    `countries`: of the items those of other countries than the default one; by ISO 3166 letters, "001" for none.
    `also`: of rows of opt-outs that may tell two numbers the other one, as `items`; they count as no rows.
    `other_number`: rows whose number came from a later number column; `other_number_rows`: the first ones.
    """

    rows: int = 0
    items: list[Any] = field(default_factory=list)
    item_rows: list[int] = field(default_factory=list)
    also: list[Any] = field(default_factory=list)
    duplicates: list[tuple[int, str]] = field(default_factory=list)
    other_number_rows: list[int] = field(default_factory=list)
    duplicate: int = 0
    # Opt-outs that were undone.
    skipped: int = 0
    refused: int = 0
    cut: int = 0
    other_number: int = 0
    problems: Problems = field(default_factory=dict)
    countries: Problems = field(default_factory=dict)


class _Refusal(Exception):
    """Why this row is left out: `code` of problems.py, the value that is to blame, and the column it goes to."""

    def __init__(self, code: str, sample: str, *, target: str = "", sentence: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sample = sample
        self.sentence = sentence or reason_for(code, _shown(sample), target)


class Parser:
    """Reads a file's records in order, a chunk at a time; remembers the numbers it has seen."""

    def __init__(
        self, plan: Plan, emit: Emit, quote: Quote = encode_basestring, on_refused: OnRefused | None = None
    ) -> None:
        self._plan = plan
        self._emit = emit
        self._quote = quote
        self._on_refused = on_refused
        self._reads = {at: _reader(plan, at) for at in plan.numbers_at}
        self._width = len(plan.mapping)
        self._number_at, *self._further_numbers_at = plan.numbers_at
        self._others = _other_readings(plan)
        self._splits_name = WHOLE_NAME in plan.mapping
        targets = [*plan.fields, *(EXTRA + name for name in plan.extras)]
        self._targets = targets
        self._limits = [limit_of(target) for target in targets]
        self._shortest = min(self._limits, default=0)
        self._pick = _picker([plan.column_of(target) for target in targets])
        self._zone_at = targets.index("time_zone") if "time_zone" in targets else None
        self._proofs = _proof_reader(plan) if isinstance(plan, OptOutPlan) else None
        self._keys = [quote(name) for name in plan.extras]
        self._recent: set[int] = set()
        self._earlier = ManyNumbers()
        self._header_due = plan.has_header
        self._row = 0
        self._other_number_row = 0
        self._spared: set[int] = set()

    def holds(self, digits: str) -> bool:
        """Whether the number stood in the rows read so far, in refused ones too where the plan spares them."""
        number = int(digits)
        was_earlier = bool(self._earlier) and self._earlier.has(number)
        return was_earlier or number in self._recent or number in self._spared

    def take(self, records: Iterator[Record], limit: int) -> Chunk:
        """The next `limit` rows; fewer only at the end of the file. Empty rows are not counted."""
        chunk = Chunk()
        pick, emit, recent = self._pick, self._emit, self._recent
        has_earlier, was_earlier = bool(self._earlier), self._earlier.has
        number_at, width, shortest = self._number_at, self._width, self._shortest
        read, others = self._reads[number_at], self._others
        note_row = chunk.item_rows.append
        splits_name = self._splits_name
        has_more = self._zone_at is not None or bool(self._keys)
        proofs = self._proofs
        notices_kinds, notices_dates = self._plan.notices_kinds, self._plan.notices_dates
        home, countries = self._plan.default_country, chunk.countries
        for record in records:
            self._row += 1
            cells: Any = record
            if type(record) is not list or len(record) != width or self._header_due:
                cells = self._unusual(record, chunk)
                if cells is None:
                    if chunk.rows == limit:
                        break
                    continue
            try:
                at = number_at
                try:
                    digits, country, kind = read(cells[at])
                except MsisdnError as error:
                    at, (digits, country, kind) = self._further_number(error, cells, chunk)
                values = [*map(str.strip, pick(cells))]
                if proofs is not None:
                    values = self._proof(proofs, values, chunk)
                elif values:
                    if splits_name:
                        values[:2] = split_name(values[0])
                    if max(map(len, values)) > shortest:
                        values = self._fitted(values, chunk)
                    text = "\t".join(values)
                    if "\n" in text or "\r" in text or "\x00" in text or not _is_encodable(text):
                        self._check_text(values)
                    if has_more:
                        values = self._finished(values)
            except UndoneOptOut:
                chunk.skipped += 1
                chunk.problems.setdefault(UNDONE, Problem()).add(self._row, f"+{digits}")
            except _Refusal as refusal:
                if refusal.code == "empty" and not any(map(str.strip, cells)):
                    continue
                self._refuse(refusal, cells, chunk)
            else:
                number = int(digits)
                if number in recent or (has_earlier and was_earlier(number)):
                    chunk.duplicate += 1
                    if len(chunk.duplicates) < KEPT_ROWS:
                        chunk.duplicates.append((self._row, digits))
                else:
                    recent.add(number)
                    note_row(self._row)
                    chunk.items.append(emit(digits, country, kind, values))
                    if country != home:
                        countries.setdefault(country or WORLD, Problem()).add(self._row, "")
                    if notices_kinds and kind not in UNMARKED_KINDS:
                        chunk.problems.setdefault(KIND + kind, Problem()).add(self._row, f"+{digits}")
                    if notices_dates and looks_like_date(cells[number_at]):
                        chunk.problems.setdefault(LIKE_DATE, Problem()).add(self._row, cells[number_at])
                    if at in others and (other := others[at].of(cells[at], (digits, country, kind))):
                        self._tell_other(other, digits, values, chunk)
            chunk.rows += 1
            if chunk.rows == limit:
                break
        if len(recent) >= RECENT_NUMBERS:
            self._earlier.add(recent)
            recent.clear()
        return chunk

    def _further_number(self, error: MsisdnError, cells: list[str], chunk: Chunk) -> tuple[int, Found]:
        """From the next number column that can be read; else the row is refused for the first one that holds any."""
        blamed, sample, blamed_at = error, cells[self._number_at], self._number_at
        for at in self._further_numbers_at:
            try:
                found = self._reads[at](cells[at])
            except MsisdnError as further:
                if blamed.code == "empty":
                    blamed, sample, blamed_at = further, cells[at], at
            else:
                chunk.other_number += 1
                self._other_number_row = self._row
                if len(chunk.other_number_rows) < KEPT_ROWS:
                    chunk.other_number_rows.append(self._row)
                return at, found
        if self._proofs is not None and blamed.code in OF_OTHER_FORM and blamed_at in self._others:
            only = self._others[blamed_at].read(sample)
            if only is not None:
                # Nobody stays textable whose number can be but one.
                self._notice(blamed.code, sample, chunk)
                return blamed_at, only
        raise _Refusal(blamed.code, sample, sentence=blamed.sentence)

    def _unusual(self, record: Record, chunk: Chunk) -> list[str] | None:
        """The record with as many cells as the file has columns; None: header, empty or refused."""
        if self._header_due and self._row < self._plan.header_row:
            return None
        if isinstance(record, Broken) and record.cut and self._plan.truncate and self._proofs is None:
            record = list(record.cut)
        if isinstance(record, Broken):
            told = record.cut or record.cells
            if self._may_be_taken(told):
                self._notice(record.code, told[0], chunk)
                return self._as_wide(list(told))
            self._refuse(_Refusal(record.code, record.cells[0] if record.cells else ""), record.cells, chunk)
            chunk.rows += 1
            return None
        if not any(map(str.strip, record)):
            return None
        if self._header_due:
            self._header_due = False
            return None
        if any(map(str.strip, record[self._width :])):
            if self._may_be_taken(record):
                self._notice("too_many_cells", record[self._width], chunk)
                return self._as_wide(record)
            self._refuse(_Refusal("too_many_cells", record[self._width]), record, chunk)
            chunk.rows += 1
            return None
        return self._as_wide(record)

    def _as_wide(self, record: list[str]) -> list[str]:
        """As the file. What stands behind the last column belongs to the words of the proof, where there are any."""
        row = [*record, *[""] * (self._width - len(record))][: self._width]
        if self._proofs is not None and SOURCE in self._targets:
            at = self._plan.column_of(SOURCE)
            row[at] = " ".join(filter(None, map(str.strip, [row[at], *record[self._width :]])))
        return row

    def _tell_other(self, other: Found, digits: str, values: list[str], chunk: Chunk) -> None:
        """Of a number that may be another one: of opt-outs both are taken, so that nobody is texted who asked not to be."""
        if self._proofs is not None:
            chunk.also.append(self._emit(*other, list(values)))
        code = TWO_NUMBERS if self._proofs is None else NOTICED + TWO_NUMBERS
        chunk.problems.setdefault(code, Problem()).add(self._row, f"+{digits} / +{other[0]}")

    # --- rows of opt-outs ---

    def _may_be_taken(self, cells: Sequence[str]) -> bool:
        """Whether a row of opt-outs that is broken tells its number all the same."""
        if self._proofs is None or self._header_due:
            return False
        for at in (self._number_at, *self._further_numbers_at):
            if at < len(cells):
                with suppress(MsisdnError):
                    self._reads[at](cells[at])
                    return True
        return False

    def _proof(self, proofs: ProofReader, values: list[str], chunk: Chunk) -> list[str]:
        """As it is stored. Raises UndoneOptOut."""
        proof = proofs.read(values)
        for code, sample in proof.noticed:
            self._notice(code, sample, chunk)
        if proof.is_cut:
            chunk.problems.setdefault(CUT + SOURCE, Problem()).add(self._row, _shown(proof.source))
            chunk.cut += 1
        return [proof.source, proof.at, proof.how]

    def _notice(self, code: str, sample: str, chunk: Chunk) -> None:
        chunk.problems.setdefault(NOTICED + code, Problem()).add(self._row, _shown(sample))

    # --- rows of people ---

    def _fitted(self, values: list[str], chunk: Chunk) -> list[str]:
        """Values within their limits: cut where the plan allows it, else the row is refused."""
        cut = False
        for at, (value, limit) in enumerate(zip(values, self._limits, strict=True)):
            if len(value) <= limit:
                continue
            if not self._plan.truncate:
                raise _Refusal(TOO_LONG + self._targets[at], value, target=self._targets[at])
            chunk.problems.setdefault(CUT + self._targets[at], Problem()).add(self._row, _shown(value))
            values[at] = value[:limit].rstrip()
            cut = True
        chunk.cut += cut
        return values

    def _check_text(self, values: list[str]) -> None:
        for target, value in zip(self._targets, values, strict=True):
            if "\x00" in value:
                raise _Refusal("nul", value, target=target)
            if ("\n" in value or "\r" in value) and target not in MULTI_LINE and not target.startswith(EXTRA):
                raise _Refusal("line_break", value, target=target)
            if not _is_encodable(value):
                raise _Refusal("encoding", value, target=target)

    def _finished(self, values: list[str]) -> list[str]:
        """Further columns become one JSON object, without the empty ones."""
        if self._zone_at is not None:
            zone = values[self._zone_at]
            if zone and zone not in known_time_zones():
                raise _Refusal("time_zone", zone, target="time_zone")
        if not self._keys:
            return values
        own = len(values) - len(self._keys)
        pairs = zip(self._keys, values[own:], strict=True)
        extra = ", ".join(f"{key}: {self._quote(value)}" for key, value in pairs if value)
        return [*values[:own], f"{{{extra}}}"]

    def _refuse(self, refusal: _Refusal, cells: Sequence[str], chunk: Chunk) -> None:
        chunk.refused += 1
        if self._other_number_row == self._row:
            chunk.other_number -= 1
            if chunk.other_number_rows[-1] == self._row:
                chunk.other_number_rows.pop()
        if self._plan.spares_refused:
            self._spare(cells)
        chunk.problems.setdefault(refusal.code, Problem()).add(self._row, _shown(refusal.sample))
        if self._on_refused:
            self._on_refused(self._row, cells, refusal.sentence)

    def _spare(self, cells: Sequence[str]) -> None:
        for at in self._plan.numbers_at:
            if at < len(cells):
                with suppress(MsisdnError):
                    self._spared.add(int(self._reads[at](cells[at])[0]))


def _reader(plan: Plan, at: int) -> Callable[[str], Found]:
    """Of one column."""
    is_abroad = plan.number_forms.get(at) == NumberForm.INTERNATIONAL
    return compile_fast(plan.default_country or None, "international" if is_abroad else "national").read


def _other_readings(plan: Plan) -> dict[int, OtherReading]:
    """By column. Of people where numbers are international: a landline at home is noticed anyway."""
    if not (plan.forms_are_guessed and plan.default_country):
        return {}
    forms = {at: plan.number_forms.get(at, NumberForm.NATIONAL) for at in plan.numbers_at}
    return {
        at: OtherReading(plan.default_country, form, is_unclear=at in plan.unclear_at)
        for at, form in forms.items()
        if form == NumberForm.INTERNATIONAL or isinstance(plan, OptOutPlan)
    }


def _proof_reader(plan: OptOutPlan) -> ProofReader:
    return ProofReader(
        plan.fields,
        zone=plan.zone,
        latest=plan.latest,
        date_order=plan.date_order,
        file_name=plan.file_name,
    )


def _is_encodable(text: str) -> bool:
    """False where a byte stood that the file's encoding does not know.

    It came as a lone surrogate from UTF-8, as U+FFFD from other encodings and from whoever wrote the file.
    """
    if text.isascii():
        return True
    if "\ufffd" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _picker(positions: list[int]) -> Callable[[list[str]], Sequence[str]]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda cells: [cells[at] for at in positions]


def _shown(value: str) -> str:
    """On one line, fit for JSON, any database and a page; line breaks and tabs become spaces."""
    begin = value[: 2 * SAMPLE_LENGTH + 2].replace("\r\n", "\n")[: SAMPLE_LENGTH + 1]
    plain = "".join(" " if char.isspace() else char if char.isprintable() else "\ufffd" for char in begin)
    return plain if len(plain) <= SAMPLE_LENGTH else f"{plain[: SAMPLE_LENGTH - 1]}…"
