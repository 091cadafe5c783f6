"""Starting, checking and ending verifications. The sole writer of their states; docs/verification.md tells the rules.

Locks are taken in one order: the key, the number's pending verification, then what the ledger locks. The engine reads
verifications without a lock, and forgets codes after its own transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.content import SENT, Content
from messaging.dispatches import OPEN_STATES, stop_dispatch
from messaging.errors import MessagingError
from messaging.ledger import cancel_waiting, lock_rows
from messaging.models import Dispatch, Message, Sender, Verification, VerificationState
from messaging.singles import FEW_PARTS, checked_content, checked_number, send_one
from messaging.tokens import RANDOM_SYMBOL, VERIFICATION_CODE, WORD_SPINNER
from messaging.verification.codes import (
    LONGEST,
    SHORTEST,
    draw_code,
    hash_code,
    is_code,
    new_salt,
    seal_code,
    typed_code,
)
from messaging.verification.errors import NotNow
from messaging.verification.limits import check_starts_of_key, check_starts_of_number, check_wrong_codes
from messaging.verification.states import EXPIRED, state_of, tries_left
from providers.models import ProviderAccount
from sms.msisdn import kind_of

log = structlog.get_logger("crier.verification")

DEFAULT_LENGTH, DEFAULT_TRIES, MOST_TRIES = 6, 5, 10
SHORTEST_LIFETIME, DEFAULT_LIFETIME, LONGEST_LIFETIME = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=24),
)
LONGEST_REFERENCE = 160
TOKENS = frozenset({VERIFICATION_CODE, RANDOM_SYMBOL, WORD_SPINNER})
# Of two who start for one number at once, one may have to look again.
TRIES_AT_ONCE = 3
# Anything else is refused: whoever asks for codes to numbers that cost the caller or nobody can read is up to no good.
TEXTED_KINDS = frozenset({"mobile", "fixed_line_or_mobile", "voip"})
REFUSED_KINDS: dict[str, Promise] = {
    "premium_rate": gettext_lazy(
        "+%(number)s is a premium-rate number, and no codes are sent to those. Ask for a mobile number."
    ),
    "fixed_line": gettext_lazy("+%(number)s is a landline, which gets no texts. Ask for a mobile number."),
}
NO_MOBILE = gettext_lazy(
    "+%(number)s is no mobile number, and no codes are sent to it. Ask for a mobile number."
)
TIDIED_AT_ONCE = 1000
PRUNED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Started:
    """`parts` and `cost` as they are expected; `cost` is None while no price is known."""

    verification: Verification
    parts: int
    cost: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Checked:
    verification: Verification
    valid: bool
    sentence: str | Promise

    @property
    def state(self) -> str:
        return state_of(self.verification)

    @property
    def tries_left(self) -> int:
        return tries_left(self.verification)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked for, read and found good."""

    workspace: Workspace
    actor: Actor
    msisdn: str
    sender: Sender
    account: ProviderAccount
    content: Content
    length: int
    lifetime: timedelta
    max_tries: int
    reference: str


# --- starting -----------------------------------------------------------------------------------------


def start_verification(
    *,
    workspace: Workspace,
    actor: Actor,
    msisdn: str,
    sender: Sender,
    account: ProviderAccount,
    text: str,
    length: int = DEFAULT_LENGTH,
    lifetime: timedelta = DEFAULT_LIFETIME,
    max_tries: int = DEFAULT_TRIES,
    reference: str = "",
) -> Started:
    """Texts a code to the number. It takes the place of the number's pending one.

    Raises TooMuch, and MessagingError with the field.
    """
    _check_within("length", length, SHORTEST, LONGEST)
    _check_within("max_tries", max_tries, 1, MOST_TRIES)
    _check_lifetime(lifetime)
    if len(reference) > LONGEST_REFERENCE:
        sentence = _("reference has %(length)s characters; at most %(most)s fit. Shorten it.")
        values = {"length": len(reference), "most": LONGEST_REFERENCE}
        raise MessagingError(sentence % values, field="reference")
    digits = checked_number(workspace, msisdn)
    _check_kind(digits)
    content = code_content(workspace, text)
    return _start(
        _Wish(workspace, actor, digits, sender, account, content, length, lifetime, max_tries, reference)
    )


def resend_verification(*, verification: Verification, actor: Actor) -> Started:
    """A new code with the same text, sender and limits; the old one is replaced.

    Raises NotNow, and as start_verification.
    """
    state = state_of(verification)
    if state not in (VerificationState.PENDING, VerificationState.EXHAUSTED, EXPIRED):
        raise NotNow(_NO_RESEND[VerificationState(state)] % {"number": verification.msisdn})
    dispatch = (
        Dispatch.objects.select_related("account").filter(messages__pk=verification.message_id or 0).first()
    )
    sender = (
        verification.workspace.senders.filter(value=dispatch.sender).first() if dispatch is not None else None
    )
    if dispatch is None or sender is None:
        raise NotNow(_("Its text or sender is not there any more. Start a new verification."))
    return start_verification(
        workspace=verification.workspace,
        actor=actor,
        msisdn=f"+{verification.msisdn}",
        sender=sender,
        account=dispatch.account,
        text=dispatch.text,
        length=verification.code_length,
        lifetime=verification.expires_at - verification.created_at,
        max_tries=verification.max_tries,
        reference=verification.reference,
    )


_NO_RESEND: dict[VerificationState, Promise] = {
    VerificationState.VERIFIED: gettext_lazy(
        "+%(number)s was verified already. To ask anew, start a new verification."
    ),
    VerificationState.REPLACED: gettext_lazy(
        "A newer code for +%(number)s took the place of this one. Resend that one."
    ),
    VerificationState.CANCELLED: gettext_lazy(
        "This verification of +%(number)s was cancelled. Start a new one."
    ),
}


def code_content(workspace: Workspace, text: str) -> Content:
    """Raises MessagingError at `text` for one that holds no code, or what no verification may hold."""
    content = checked_content(workspace, text, SENT)
    strange = sorted(content.compiled.kinds - TOKENS)
    if strange:
        sentence = _(
            "A verification's text may hold {{verification_code}}, {{random_symbol}} and {{word_spinner:ID}}, but"
            " neither links nor a recipient's fields. Write the text itself instead."
        )
        raise MessagingError(sentence, field="text")
    if VERIFICATION_CODE not in content.compiled.kinds:
        sentence = _("The text has no {{verification_code}}. Write it where the code shall stand.")
        raise MessagingError(sentence, field="text")
    return content


def _check_within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        sentence = _("%(field)s is %(value)s: send a whole number from %(least)s to %(most)s.")
        words = {"field": field, "value": value, "least": least, "most": most}
        raise MessagingError(sentence % words, field=field)


def _check_lifetime(lifetime: timedelta) -> None:
    if not SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
        sentence = _("A code is valid for 60 to 86,400 seconds, not for %(seconds)s. Send another number.")
        seconds = f"{int(lifetime.total_seconds()):,}"
        raise MessagingError(sentence % {"seconds": seconds}, field="lifetime")


def _check_kind(digits: str) -> None:
    kind = kind_of(digits)
    if kind not in TEXTED_KINDS:
        sentence = REFUSED_KINDS.get(kind or "", NO_MOBILE)
        raise MessagingError(sentence % {"number": digits}, field="msisdn", code="no_mobile")


def _start(wish: _Wish) -> Started:
    """Once more where somebody else's start for the number came between: the database allows one pending one."""
    for attempt in range(TRIES_AT_ONCE):
        try:
            with transaction.atomic():
                return _started(wish)
        except IntegrityError:
            if attempt == TRIES_AT_ONCE - 1:
                raise
    raise AssertionError("unreachable")


def _started(wish: _Wish) -> Started:
    workspace, msisdn = wish.workspace, wish.msisdn
    now = timezone.now()
    check_starts_of_key(wish.actor.api_key, now)
    pending = Verification.objects.filter(workspace=workspace, msisdn=msisdn, state=VerificationState.PENDING)
    old = lock_rows(pending).first()
    # Whoever was waited for may have started one since.
    now = timezone.now()
    check_starts_of_number(workspace, msisdn, now)
    check_wrong_codes(workspace, msisdn, now)
    if old is not None:
        _end(old, VerificationState.REPLACED, "code_replaced")
    code, salt = draw_code(wish.length), new_salt()
    sent = send_one(
        workspace=workspace,
        account=wish.account,
        sender=wish.sender,
        msisdn=msisdn,
        content=wish.content,
        values={VERIFICATION_CODE: code},
        most_parts=FEW_PARTS,
    )
    made = Verification.objects.create(
        workspace=workspace,
        api_key=wish.actor.api_key,
        msisdn=msisdn,
        message_id=sent.message.pk,
        reference=wish.reference,
        code_length=wish.length,
        salt=salt,
        code_hash=hash_code(code, salt),
        sealed_code=seal_code(code),
        max_tries=wish.max_tries,
        created_at=now,
        expires_at=now + wish.lifetime,
    )
    record(workspace, wish.actor, "started", made)
    return Started(made, sent.parts, sent.cost, sent.currency)


# --- checking -----------------------------------------------------------------------------------------


def check_verification(*, verification: Verification, code: str) -> Checked:
    """Whether this is the code. It is so once, in time, and within the tries.

    Raises TooMuch, and MessagingError for what cannot be the code at all: that costs no try.
    """
    typed = typed_code(code)
    if len(typed) != verification.code_length:
        sentence = _("The code has %(n)s digits. Send those digits.")
        raise MessagingError(sentence % {"n": verification.code_length}, field="code")
    with transaction.atomic():
        row = lock_rows(Verification.objects.filter(pk=verification.pk)).get()
        now = timezone.now()
        if (state := state_of(row, now)) != VerificationState.PENDING:
            return Checked(row, False, _OVER[state])
        check_wrong_codes(row.workspace, row.msisdn, now)
        row.tries += 1
        row.save(update_fields=["tries"])
        valid = is_code(row, typed)
        if valid:
            row.state, row.verified_at, row.sealed_code = VerificationState.VERIFIED, now, ""
        elif row.tries >= row.max_tries:
            row.state, row.sealed_code = VerificationState.EXHAUSTED, ""
        row.save(update_fields=["state", "verified_at", "sealed_code"])
    return Checked(row, valid, _verdict(row, valid))


def newest_of(*, workspace: Workspace, msisdn: str) -> Verification | None:
    """The one that a code for this number belongs to."""
    rows = Verification.objects.filter(workspace=workspace, msisdn=msisdn)
    return rows.order_by("-created_at", "-pk").first()


def _verdict(row: Verification, valid: bool) -> str:
    if valid:
        return _("The code is right.")
    if left := tries_left(row):
        words = ngettext(
            "The code is wrong. %(n)d try is left.", "The code is wrong. %(n)d tries are left.", left
        )
        return words % {"n": left}
    return str(_OVER[VerificationState.EXHAUSTED])


_OVER: dict[str, Promise] = {
    VerificationState.VERIFIED: gettext_lazy("A code is valid once, and this one was used already."),
    VerificationState.EXHAUSTED: gettext_lazy("There were too many wrong codes. Ask for a new one."),
    VerificationState.REPLACED: gettext_lazy("A newer code took the place of this one. Use that one."),
    VerificationState.CANCELLED: gettext_lazy("This verification was cancelled. Start a new one."),
    EXPIRED: gettext_lazy("The code has expired. Ask for a new one."),
}


# --- ending -------------------------------------------------------------------------------------------


def cancel_verification(*, verification: Verification, actor: Actor) -> Verification:
    """No code counts any more; a text that waits is not sent. Raises NotNow for one that is over."""
    with transaction.atomic():
        row = lock_rows(Verification.objects.filter(pk=verification.pk)).get()
        if row.state != VerificationState.PENDING:
            raise NotNow(
                _("It cannot be cancelled: %(reason)s") % {"reason": _OVER[VerificationState(row.state)]}
            )
        _end(row, VerificationState.CANCELLED, "code_cancelled")
        record(row.workspace, actor, "cancelled", row)
    return row


def _end(row: Verification, state: VerificationState, reason: str) -> None:
    """In the caller's transaction, which has locked the row."""
    row.state, row.sealed_code = state, ""
    row.save(update_fields=["state", "sealed_code"])
    _call_off(row, reason)


def _call_off(row: Verification, reason: str) -> None:
    """Its text, if it waits. One that is being handed over may still arrive; its code counts no more."""
    message = Message.objects.filter(pk=row.message_id or 0).values("dispatch_id").first()
    if message is not None:
        # In the ledger's order of locks: messages, counts, dispatches.
        cancel_waiting(message["dispatch_id"], reason=reason)
        stop_dispatch(dispatch_id=message["dispatch_id"])


def forget_code_after(dispatch_id: int) -> None:
    """When the transaction is committed in which a dispatch ended: nothing of it will be sent any more."""
    transaction.on_commit(partial(_forget_code_of, dispatch_id))


def _forget_code_of(dispatch_id: int) -> None:
    messages = Message.objects.filter(dispatch_id=dispatch_id).values("pk")
    Verification.objects.filter(message_id__in=messages).exclude(sealed_code="").update(sealed_code="")


def tidy_codes() -> int:
    """The sweep's: forgets codes that nobody needs to read any more; calls off texts whose code has expired.

    What ends in good order has forgotten its code by then; a worker may have died before.
    """
    sealed = Verification.objects.exclude(sealed_code="")
    now = timezone.now()
    expired = list(sealed.filter(expires_at__lte=now).order_by("expires_at")[:TIDIED_AT_ONCE])
    for row in expired:
        with transaction.atomic():
            _call_off(row, "code_expired")
        Verification.objects.filter(pk=row.pk).update(sealed_code="")
    return len(expired) + _forget_settled(now)


def prune_verifications() -> int:
    """Those older than VERIFICATION_DAYS, whose code counts no more; returns their number. The ledger keeps the texts."""
    now, count = timezone.now(), 0
    over = ~Q(state=VerificationState.PENDING) | Q(expires_at__lte=now)
    before = now - timedelta(days=settings.VERIFICATION_DAYS)
    old = Verification.objects.filter(over, created_at__lt=before, sealed_code="").order_by("pk")
    while ids := list(old.values_list("pk", flat=True)[:PRUNED_AT_ONCE]):
        count += Verification.objects.filter(pk__in=ids).delete()[0]
    return count


def _forget_settled(now: datetime) -> int:
    rows = Verification.objects.exclude(sealed_code="").filter(expires_at__gt=now)
    ids = {message_id or 0: pk for message_id, pk in rows.values_list("message_id", "pk")[:TIDIED_AT_ONCE]}
    is_open = Message.objects.filter(pk__in=ids, state__in=OPEN_STATES).values_list("pk", flat=True)
    done = [ids[message_id] for message_id in ids.keys() - set(is_open)]
    return Verification.objects.filter(pk__in=done).update(sealed_code="") if done else 0
