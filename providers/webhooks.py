"""`/hooks/<token>/`: where vendors post receipts and inbound texts. Stored, answered, applied by a worker."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from providers.models import ProviderAccount
from providers.services import lets_in, store_call
from providers.tasks import wake_applier
from web.callers import address_of

BODY_MOST = 1024 * 1024


@csrf_exempt
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """200 `OK` once the call is stored; 404 for an unknown token, 401 without the account's webhook user and password
    where it has them, 413 over BODY_MOST, 411 for a body in chunks where
    nobody put it together (config/bodies.py does).

    Disabled accounts are heard too: reports of what they sent before still arrive.
    """
    # Looked up by a unique index on 256 random bits: the time it takes tells nothing that helps to guess one.
    if "\x00" in token:
        return _answer("There is nothing at this address.", 404)
    accounts = ProviderAccount.objects.only("id", "encrypted_credentials")
    account = accounts.filter(webhook_token=token).first()
    if account is None:
        return _answer("There is nothing at this address.", 404)
    is_checked = True
    try:
        if not lets_in(account, request.headers.get("Authorization", "")):
            return _unauthorized()
    except ImproperlyConfigured:
        # Its settings cannot be opened just now. Nothing is lost: who applies it checks again what was asked for.
        is_checked = False
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _answer("Send the body with a Content-Length.", 411)
    body = request.read(BODY_MOST + 1)
    if len(body) > BODY_MOST:
        return _answer(f"The body may have {BODY_MOST} bytes at most.", 413)
    store_call(
        account_id=account.pk,
        method=str(request.method),
        query=request.META.get("QUERY_STRING", ""),
        headers=request.headers,
        body=body,
        remote_address=_address(request),
        is_checked=is_checked,
    )
    wake_applier()
    return _answer("OK", 200)


def _answer(words: str, status: int) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")


def _unauthorized() -> HttpResponse:
    response = _answer("Bring the account's webhook user and password along.", 401)
    response.headers["WWW-Authenticate"] = 'Basic realm="webhook", charset="UTF-8"'
    return response


def _address(request: HttpRequest) -> str | None:
    """None where the server knows no address (a Unix socket)."""
    try:
        return str(ipaddress.ip_address(address_of(request.META)))
    except ValueError:
        return None
