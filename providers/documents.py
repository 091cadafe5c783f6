"""docs/providers.md, written from what the connectors declare: what each vendor can do, and every operation it has."""

from __future__ import annotations

from collections.abc import Iterator

from providers.connectors import REGISTRY
from providers.connectors.base import Connector

HEAD = """# Providers: what each can do, and every operation

Written by `python manage.py write_provider_docs` from what the connectors declare; a test holds it against them. What is
particular about each provider stands on its own page: {pages}.
How to add another: [Adding a provider](adding-a-provider.md).

Where a provider lacks something, Crier does it itself (schedules, links, sender lists, opt-outs, batches) or refuses before
anything goes out, in words.
"""


def provider_docs() -> str:
    """The whole page, in Markdown."""
    connectors = sorted(REGISTRY.values(), key=lambda connector: connector.label.lower())
    pages = ", ".join(f"[{one.label}](providers/{one.slug}.md)" for one in connectors)
    parts = [HEAD.format(pages=pages), *_matrix(connectors)]
    for connector in connectors:
        parts += _capabilities(connector)
    parts.append("## Operations\n")
    parts.append(_counts(connectors))
    for connector in connectors:
        parts += _operations(connector)
    return "\n".join(parts).rstrip() + "\n"


def _matrix(connectors: list[type[Connector]]) -> Iterator[str]:
    yield "## What each can do\n"
    yield _row(["", *(one.label for one in connectors)])
    yield _row(["---", *("---" for _ in connectors)])
    lines = [one.capabilities.lines() for one in connectors]
    for row in zip(*lines, strict=True):
        cells = ["yes" if line.has else "no" for line in row]
        if row[0].name == "max_text_length":
            cells = [f"{one.capabilities.max_text_length:,} characters" for one in connectors]
        elif row[0].name == "sends_to":
            cells = [_countries(one) for one in connectors]
        elif row[0].name == "batch":
            cells = [
                f"up to {one.capabilities.batch_most:,}" if line.has else "no"
                for one, line in zip(connectors, row, strict=True)
            ]
        yield _row([row[0].label, *cells])
    yield ""


def _countries(connector: type[Connector]) -> str:
    codes = connector.capabilities.sends_to
    return ", ".join(f"+{code}" for code in codes) if codes else "yes"


def _capabilities(connector: type[Connector]) -> Iterator[str]:
    yield f"### {connector.label}: in words\n"
    for line in connector.capabilities.lines():
        yield f"- {line.label}: {line.words}"
    yield ""


def _counts(connectors: list[type[Connector]]) -> str:
    counts = [f"{one.label} {len(one.operations())}" for one in connectors]
    total = sum(len(one.operations()) for one in connectors)
    return (
        f"{total} in all: {', '.join(counts)}. Each is a typed method of the vendor's client, which also works alone,"
        " without Django: `from providers.connectors import bulkvs`, `bulkvs.client(username=…, password=…)`.\n"
    )


def _operations(connector: type[Connector]) -> Iterator[str]:
    yield f"### {connector.label} ({connector.document})\n"
    yield _row(["operation in its document", "method and path", "in the client"])
    yield _row(["---", "---", "---"])
    for known in connector.operations():
        yield _row([known.section.replace("|", "\\|"), f"`{known.method} {known.path}`", f"`{known.name}`"])
    yield ""


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
