"""How much is too much, counted from the rows themselves: so it holds over all processes, and after a restart.

Called in the transaction that starts or checks, after it has locked the number's pending verification.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import ApiKey, Workspace
from messaging.models import Verification, VerificationState
from messaging.verification.errors import TooMuch

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LONGEST_LIFETIME = timedelta(hours=24)


def check_starts_of_key(api_key: ApiKey | None, now: datetime) -> None:
    """Locks the key: its starts are counted one after the other."""
    if api_key is None:
        return
    # Not as strong as a lock can be: rows that name the key are written meanwhile.
    list(ApiKey.objects.select_for_update(no_key=True).filter(pk=api_key.pk).values_list("pk"))
    since = now - MINUTE
    rows = Verification.objects.filter(
        workspace_id=api_key.workspace_id, created_at__gt=since, api_key=api_key
    )
    limit = settings.VERIFICATION_STARTS_PER_KEY
    latest = list(rows.order_by("-created_at").values_list("created_at", flat=True)[:limit])
    if len(latest) >= limit:
        sentence = _("This API key has asked for %(n)s codes within a minute. Ask again in %(wait)s.")
        wait = latest[-1] + MINUTE - now
        raise TooMuch(sentence % {"n": limit, "wait": _words(wait)}, wait, code="too_many_starts_of_key")


def check_starts_of_number(workspace: Workspace, msisdn: str, now: datetime) -> None:
    limit, between = settings.VERIFICATION_STARTS_PER_HOUR, settings.VERIFICATION_SECONDS_BETWEEN
    rows = Verification.objects.filter(workspace=workspace, msisdn=msisdn, created_at__gt=now - HOUR)
    latest = list(rows.order_by("-created_at").values_list("created_at", flat=True)[:limit])
    if latest and (wait := latest[0] + timedelta(seconds=between) - now) > timedelta():
        sentence = _("+%(number)s was sent a code just now. Another one may be asked for in %(wait)s.")
        raise TooMuch(sentence % {"number": msisdn, "wait": _words(wait)}, wait, code="too_soon")
    if len(latest) >= limit:
        wait = latest[-1] + HOUR - now
        sentence = _(
            "+%(number)s was sent %(n)s codes within an hour. Another one may be asked for in %(wait)s."
        )
        values = {"number": msisdn, "n": limit, "wait": _words(wait)}
        raise TooMuch(sentence % values, wait, code="too_many_starts")


def check_wrong_codes(workspace: Workspace, msisdn: str, now: datetime) -> None:
    """Over all codes that were valid within the last hour: a new code gives no new guesses for ever.

    When each was guessed at is not kept, so that a code's guesses count until an hour after its end.
    """
    limit = settings.VERIFICATION_WRONG_PER_HOUR
    rows = Verification.objects.filter(
        workspace=workspace,
        msisdn=msisdn,
        created_at__gt=now - LONGEST_LIFETIME - HOUR,
        expires_at__gt=now - HOUR,
        tries__gt=0,
    ).order_by("expires_at")
    counted = [
        (expires_at, tries - (state == VerificationState.VERIFIED))
        for expires_at, tries, state in rows.values_list("expires_at", "tries", "state")
    ]
    if (free_at := _below(counted, limit)) is not None:
        wait = free_at + HOUR - now
        sentence = _("Too many wrong codes for +%(number)s. Try again in %(wait)s.")
        values = {"number": msisdn, "wait": _words(wait)}
        raise TooMuch(sentence % values, wait, code="too_many_wrong_codes")


def _below(counted: list[tuple[datetime, int]], limit: int) -> datetime | None:
    """When the sum is below `limit`, as one after the other no longer counts; None where it is already."""
    left = sum(number for _at, number in counted)
    free_at = None
    for at, number in counted:
        if left < limit:
            break
        left -= number
        free_at = at
    return free_at


def _words(wait: timedelta) -> str:
    seconds = max(int(wait.total_seconds()) + 1, 1)
    if seconds < 120:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    minutes = -(-seconds // 60)
    return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
