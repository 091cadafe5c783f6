"""`/o/test`: what one opens under a short domain to see whether it leads here."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET


@never_cache
@require_GET
def short_domain_test(request: HttpRequest) -> HttpResponse:
    """For everybody: it tells nothing but that Crier answers."""
    return render(request, "messaging/short_domain_test.html")
