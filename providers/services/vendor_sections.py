"""What a vendor's account holds that can be looked at, and perhaps managed, on our pages: declared vendor by vendor.

A vendor adds a tuple of Sections (see bulkvs_sections.py) and one line in at_vendor.py. A section is one operation of
its client, so that the page never waits longer than one answer may take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from providers.models import ProviderAccount

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Cell:
    """`tone`: mute, info, ok, warn or bad make a badge of it. `is_code`: an address, an id."""

    text: Words
    tone: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """`key`: what the vendor calls it; deeds name it so."""

    key: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done, after a confirmation. `run` gets the vendor's client, the account and the key ("" for a
    deed of the section); it returns what to say, or raises ConnectorError. `title` may hold %(key)s."""

    slug: str
    label: Words
    icon: str
    title: Words
    consequence: Words
    verb: Words
    run: Callable[[Any, ProviderAccount, str], str]
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """`read` gets the vendor's client and the account; it returns rows, or raises ConnectorError."""

    slug: str
    title: Words
    hint: Words
    columns: tuple[Words, ...]
    empty: Words
    read: Callable[[Any, ProviderAccount], Sequence[Row]]
    # Of each row, and of the section itself.
    row_deeds: tuple[Deed, ...] = ()
    deeds: tuple[Deed, ...] = ()
