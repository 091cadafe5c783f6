"""What a hit counts as, and why, in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from messaging.links.classes import Device, HitClass
from messaging.models import Hit

CLASS_WORDS: dict[str, Promise] = {
    HitClass.HUMAN: _("A person"),
    HitClass.BOT: _("A machine"),
    HitClass.UNSURE: _("Unsure"),
    "": _("Being looked at"),
}
RULE_WORDS: dict[str, Promise] = {
    "head": _("it asked for the headers alone"),
    "method": _("it sent something, or asked for no page at all"),
    "prefetch": _("the browser only looked ahead"),
    "no_agent": _("no program named itself"),
    "preview": _("a messenger drew a preview"),
    "crawler": _("a search engine or scanner, by its own word"),
    "program": _("a program, not a browser"),
    "burst": _("it opened the links of many people at once"),
    "all_links": _("it opened several links of the text at once"),
    "over": _("the link was over"),
    "too_fast": _("it came within two seconds of sending"),
    "after_burst": _("it came from where a scanner had been"),
    "erased": _("the number was erased before it was looked at"),
}
DEVICE_WORDS: dict[str, Promise] = {
    Device.PHONE: _("Phone"),
    Device.TABLET: _("Tablet"),
    Device.DESKTOP: _("Desktop"),
}


def hit_words(hit: Hit) -> str:
    """`A machine: a messenger drew a preview`."""
    words = str(CLASS_WORDS[hit.hit_class])
    rule = RULE_WORDS.get(hit.rule)
    return _("%(what)s: %(why)s") % {"what": words, "why": rule} if rule else words
