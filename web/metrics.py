"""The metrics page's edges: who may read it, and Prometheus' text. What is measured: config/health.py."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from web.api import problem_response


def refusal(request: HttpRequest) -> HttpResponse | None:
    """None for whoever carries METRICS_TOKEN as a bearer, else a 401 problem. No token set: Http404."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), settings.METRICS_TOKEN.encode()
    ):
        return None
    response = problem_response(
        401,
        _("Metrics ask for `Authorization: Bearer` with the token of CRIER_METRICS_TOKEN."),
        "unauthorized",
    )
    response["WWW-Authenticate"] = "Bearer"
    return response


class _OfThisScrape(Collector):
    """Metrics computed once, for this scrape: the registry asks a collector twice (describe, collect)."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> list[Metric]:
        return self._metrics


def exposition(metrics: Iterable[Metric]) -> HttpResponse:
    """`metrics`, and memory, time, files and version of this very process."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_OfThisScrape(metrics))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
