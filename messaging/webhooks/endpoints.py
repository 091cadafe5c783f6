"""Endpoints: what people manage. The sole writer of them, but for what the sender learns (messaging/webhooks/ledger.py).

A secret leaves Crier once, in the answer to whoever made it.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.errors import MessagingError
from messaging.models import WebhookDelivery, WebhookEndpoint, WebhookKind, WebhookState, WebhookStop
from messaging.webhooks.addresses import clean_address
from messaging.webhooks.events import EVENT_TYPES, TEST, Event, iso_time, new_event_id
from messaging.webhooks.ledger import write_delivery

# T1 and T2, in minutes. The document says 3 in one sentence and 5 in its list: the safer one.
ROUND_LEAST, ROUND_MOST = 5, 7 * 24 * 60
# Each event is written once for each that wants it.
MOST_ENABLED = 10
SECRET_PREFIX = "whsec_"  # noqa: S105  # what every secret begins with
SECRET_BYTES = 32
# So long both secrets sign after a change, so that the receiver can be changed at leisure.
BOTH_SIGN = timedelta(hours=24)
# Of one webhook, and one waits at a time.
TESTS, TESTS_IN = 6, timedelta(minutes=1)


class Missing:
    """Of a value that may be None: left as it is."""


MISSING = Missing()


@dataclass(frozen=True, slots=True, repr=False)
class WithSecret:
    """`secret`: to be shown once."""

    endpoint: WebhookEndpoint
    secret: str


def create_endpoint(
    *,
    workspace: Workspace,
    actor: Actor,
    url: str,
    events: Collection[str] | None = None,
    kind: str = WebhookKind.CRIER,
    first_after: int | None = None,
    second_after: int | None = None,
) -> WithSecret:
    """`events`: None for all. `first_after`, `second_after`: minutes, with the style of MessageWhiz alone.

    Raises MessagingError at the field.
    """
    secret = _new_secret()
    endpoint = WebhookEndpoint(workspace=workspace, url=clean_address(url), kind=kind)
    if events is None and kind == WebhookKind.CRIER:
        events = tuple(EVENT_TYPES)
    for name, value in _told(kind, events or (), first_after, second_after).items():
        setattr(endpoint, name, value)
    endpoint.keep_secrets(current=secret)
    with transaction.atomic():
        _require_room(workspace)
        _save(endpoint)
        record(workspace, actor, "created", endpoint, kind=endpoint.kind, events=endpoint.events)
    return WithSecret(endpoint, secret)


def change_endpoint(
    *,
    endpoint: WebhookEndpoint,
    actor: Actor,
    url: str | None = None,
    events: Collection[str] | None = None,
    enabled: bool | None = None,
    first_after: int | None = None,
    second_after: int | Missing | None = MISSING,
) -> WebhookEndpoint:
    """None leaves it as it is; so does MISSING, as None is a value of `second_after`. What waits goes to the new address.
    The kind stays: a receiver reads one.

    Raises MessagingError.
    """
    with transaction.atomic():
        told = _told(
            endpoint.kind,
            endpoint.events if events is None else events,
            endpoint.first_after if first_after is None else first_after,
            endpoint.second_after if isinstance(second_after, Missing) else second_after,
        )
        _change(endpoint, actor, {"url": endpoint.url if url is None else clean_address(url), **told})
        if enabled is not None:
            set_endpoint_enabled(endpoint=endpoint, actor=actor, enabled=enabled)
    return endpoint


def _change(endpoint: WebhookEndpoint, actor: Actor, values: dict[str, Any]) -> None:
    was = {name: getattr(endpoint, name) for name in values}
    if was == values:
        return
    shown = {"url": endpoint.shown_url}
    for name, value in values.items():
        setattr(endpoint, name, value)
    _save(endpoint, [*values, "updated_at"])
    now = values | {"url": endpoint.shown_url}
    record(endpoint.workspace, actor, "changed", endpoint, was=was | shown, now=now)


def _told(
    kind: str, events: Collection[str], first_after: int | None, second_after: int | None
) -> dict[str, Any]:
    """What an endpoint of the style is told, and when. Raises MessagingError at the field."""
    if kind == WebhookKind.CRIER:
        for name, value in (("first_after", first_after), ("second_after", second_after)):
            if value is not None:
                raise MessagingError(
                    _("Events of Crier are told at once: leave the minutes empty."), field=name
                )
        return {"events": _clean_events(events), "first_after": None, "second_after": None}
    if events:
        sentence = _("Delivery reports as MessageWhiz sends them are no events: choose none.")
        raise MessagingError(sentence, field="events")
    if first_after is None:
        raise MessagingError(_("Say after how many minutes the reports are sent."), field="first_after")
    for name, value in (("first_after", first_after), ("second_after", second_after)):
        if value is not None and not ROUND_LEAST <= value <= ROUND_MOST:
            sentence = _("%(value)d minutes are not possible: choose %(least)d to %(most)s.")
            values = {"value": value, "least": ROUND_LEAST, "most": f"{ROUND_MOST:,}"}
            raise MessagingError(sentence % values, field=name)
    if second_after is not None and second_after <= first_after:
        sentence = _("The second time must come after the first one, which is after %(first)d minutes.")
        raise MessagingError(sentence % {"first": first_after}, field="second_after")
    return {"events": [], "first_after": first_after, "second_after": second_after}


def set_endpoint_enabled(*, endpoint: WebhookEndpoint, actor: Actor, enabled: bool) -> WebhookEndpoint:
    """A disabled one is told nothing new; what waits for it goes out once it is enabled again. Raises MessagingError."""
    if enabled == endpoint.enabled:
        return endpoint
    with transaction.atomic():
        if enabled:
            _require_room(endpoint.workspace)
        endpoint.enabled = enabled
        endpoint.disabled_because = "" if enabled else WebhookStop.PERSON
        endpoint.disabled_at = None if enabled else timezone.now()
        endpoint.failing_since = None
        endpoint.save(
            update_fields=["enabled", "disabled_because", "disabled_at", "failing_since", "updated_at"]
        )
        record(endpoint.workspace, actor, "enabled" if enabled else "disabled", endpoint)
        transaction.on_commit(_wake)
    return endpoint


def rotate_secret(*, endpoint: WebhookEndpoint, actor: Actor) -> WithSecret:
    """A new secret; for BOTH_SIGN the one before it signs as well."""
    now, secret = timezone.now(), _new_secret()
    endpoint.keep_secrets(
        current=secret, previous=endpoint.secrets_at(now)[0], previous_until=now + BOTH_SIGN
    )
    with transaction.atomic():
        endpoint.save(update_fields=["encrypted_secrets", "previous_until", "updated_at"])
        record(endpoint.workspace, actor, "changed the secret of", endpoint)
    return WithSecret(endpoint, secret)


# As MessageWhiz would write that there is nothing to report.
_TEST_BODIES: dict[str, str] = {WebhookKind.MESSAGEWHIZ: '{"dlrs":[],"custom_parameter":"A test of Crier."}'}


def send_test(*, endpoint: WebhookEndpoint, actor: Actor) -> WebhookDelivery:
    """An event for this endpoint alone, also where it is disabled: so one can try before enabling. Raises MessagingError."""
    now = timezone.now()
    data = {"message": "A test event of Crier.", "webhook_id": endpoint.pk, "asked_at": iso_time(now)}
    with transaction.atomic():
        _require_no_test(endpoint, now)
        delivery = write_delivery(
            endpoint, Event(new_event_id(), TEST, now, data), body=_TEST_BODIES.get(endpoint.kind, "")
        )
        record(endpoint.workspace, actor, "tested", endpoint)
        transaction.on_commit(_wake)
    return delivery


def send_again(*, delivery: WebhookDelivery, actor: Actor) -> WebhookDelivery:
    """At once and from its first try on, under the same event id. Raises MessagingError."""
    _require_enabled(delivery.endpoint, [delivery])
    with transaction.atomic():
        _wait_anew([delivery.pk])
        record(delivery.endpoint.workspace, actor, "sent again", delivery)
        transaction.on_commit(_wake)
    delivery.refresh_from_db()
    return delivery


def send_failed_again(*, endpoint: WebhookEndpoint, actor: Actor) -> int:
    """All that failed and is still kept; returns their number. Raises MessagingError."""
    failed = WebhookDelivery.objects.filter(endpoint=endpoint, state=WebhookState.FAILED).exclude(
        event_type=TEST
    )
    _require_enabled(endpoint, [])
    with transaction.atomic():
        count = _wait_anew(list(failed.values_list("pk", flat=True)))
        if count:
            record(endpoint.workspace, actor, "sent failed events again to", endpoint, events=count)
            transaction.on_commit(_wake)
    return count


def _wait_anew(ids: Sequence[int]) -> int:
    rows = WebhookDelivery.objects
    return sum(
        rows.filter(pk__in=ids[begin : begin + 500]).update(
            state=WebhookState.WAITING, attempts=0, try_at=timezone.now()
        )
        for begin in range(0, len(ids), 500)
    )


def wants(workspace_id: int, event_type: str) -> bool:
    """Whether anybody of the workspace would be told."""
    return bool(endpoints_for(workspace_id, event_type))


def endpoints_for(workspace_id: int, event_type: str) -> list[WebhookEndpoint]:
    rows = WebhookEndpoint.objects.filter(workspace_id=workspace_id, enabled=True).order_by("pk")
    return [row for row in rows if event_type in row.events]


def _clean_events(events: Collection[str]) -> list[str]:
    """In the order of EVENT_TYPES, each once."""
    unknown = sorted(set(events) - set(EVENT_TYPES))
    if unknown:
        sentence = _("“%(name)s” is no event. There is: %(all)s.")
        raise MessagingError(
            sentence % {"name": unknown[0][:50], "all": ", ".join(EVENT_TYPES)}, field="events"
        )
    if not events:
        raise MessagingError(_("Choose at least one event."), field="events", code="empty")
    return [name for name in EVENT_TYPES if name in events]


def _require_no_test(endpoint: WebhookEndpoint, now: datetime) -> None:
    """Locks the endpoint: of two who press at once one is refused."""
    list(WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=endpoint.pk).values_list("pk"))
    tests = WebhookDelivery.objects.filter(endpoint=endpoint, event_type=TEST)
    if tests.filter(state=WebhookState.WAITING).exists():
        raise MessagingError(
            _("A test event of this webhook waits already. Wait until it is answered or given up."),
            code="test_waits",
        )
    if tests.filter(created_at__gt=now - TESTS_IN).count() >= TESTS:
        sentence = _("%(most)d test events were sent to this webhook within a minute. Try again in a minute.")
        raise MessagingError(sentence % {"most": TESTS}, code="too_many_tests")


def _require_room(workspace: Workspace) -> None:
    """Locks the workspace: of two that are enabled at once for the last place one is refused."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if WebhookEndpoint.objects.filter(workspace=workspace, enabled=True).count() >= MOST_ENABLED:
        sentence = _("%(most)d webhooks are enabled, and no more can be. Disable one first.")
        raise MessagingError(sentence % {"most": MOST_ENABLED}, code="too_many")


def _require_enabled(endpoint: WebhookEndpoint, deliveries: Sequence[WebhookDelivery]) -> None:
    if not endpoint.enabled and not (deliveries and all(row.event_type == TEST for row in deliveries)):
        raise MessagingError(_("The webhook is disabled. Enable it first."), code="disabled")


def _save(endpoint: WebhookEndpoint, fields: Sequence[str] | None = None) -> None:
    try:
        with transaction.atomic():
            endpoint.save(update_fields=fields)
    except IntegrityError:
        raise MessagingError(
            _("There is a webhook for this address already. Change that one instead."),
            field="url",
            code="taken",
        ) from None


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _wake() -> None:
    from messaging.tasks import wake_webhooks  # it imports the sender, and with it this module's neighbours

    wake_webhooks()
