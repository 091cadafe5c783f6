"""The links of texts that arrived at a sandbox phone, and taps on them: a person's or a machine's."""

from __future__ import annotations

import re
from collections.abc import Sequence

import httpx
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from providers.sandbox_client import HandsetText, SandboxTrouble
from providers.transport import sync_client

SECONDS = 5.0
LINKS_MOST = 6
PERSON, MACHINE = "person", "machine"
TAPPERS: tuple[tuple[str, str | Promise], ...] = ((PERSON, _("As a person")), (MACHINE, _("As a machine")))
AGENTS = {
    PERSON: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1",
    MACHINE: "WhatsApp/2.24.20.89 A",
}
_URL = re.compile(r"https?://[^\s<>\"]+")


def links_of(workspace: Workspace, texts: Sequence[HandsetText]) -> list[str]:
    """Of the newest texts, newest first, each once; only those that lead to this installation: nothing else is asked."""
    found: dict[str, None] = {}
    for text in reversed(texts):
        if text.incoming:
            found |= dict.fromkeys(
                url.rstrip(".,;:!?)") for url in _URL.findall(text.text) if _is_ours(workspace, url)
            )
    return list(found)[:LINKS_MOST]


def tap(workspace: Workspace, url: str, tapper: str) -> str:
    """Where it led; "" where a page answered. Raises SandboxTrouble.

    A short domain is asked for at this installation's own address: in a sandbox nobody has set up its DNS.
    """
    if not _is_ours(workspace, url):
        raise SandboxTrouble(_("Only Crier's own links can be tapped here."))
    for base in _bases(workspace):
        url = url.replace(base, settings.WEBHOOK_URL, 1) if url.startswith(base + "/") else url
    try:
        with sync_client() as client:
            answer = client.get(url, headers={"user-agent": AGENTS[tapper]}, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise SandboxTrouble(
            _("The link does not answer. Is the web process reachable?"), gone=True
        ) from None
    return answer.headers.get("location", "")


def _bases(workspace: Workspace) -> list[str]:
    return [base for base in (workspace.short_domain, settings.LINK_URL) if base]


def _is_ours(workspace: Workspace, url: str) -> bool:
    return any(url.startswith(base + "/") for base in _bases(workspace))
