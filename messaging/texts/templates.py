"""Templates: texts to begin from. A broadcast takes the text over; to change the template changes no broadcast."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.access import Actor
from accounts.audit import record
from accounts.models import Workspace
from messaging.content import Content, compile_content
from messaging.copies import make_copy
from messaging.errors import MessagingError
from messaging.models import Template
from messaging.texts.characters import OddCharacters, odd_characters
from messaging.texts.effect import PartsRange, parts_range, sample_text
from messaging.texts.names import clean_name, is_other, name_of_copy, save_named
from messaging.tokens import TokenError
from sms.parts import Parts, count_parts

# As many as the text of a broadcast may have.
MOST_CHARACTERS = 100_000


def create_template(*, workspace: Workspace, actor: Actor, name: str, text: str) -> Template:
    """Wrong tokens do not hinder it: they are shown, and hinder the sending. Raises MessagingError."""
    made = Template(workspace=workspace, name=clean_name(name), text=clean_text(text))
    return save_named(made, lambda: record(workspace, actor, "created", made))


def change_template(*, template: Template, actor: Actor, name: str, text: str, seen: str = "") -> Template:
    """`seen`: see messaging.edited."""
    name, text = clean_name(name), clean_text(text)
    if is_other(template, name=name, text=text):
        details = {"was": template.name} if template.name != name else {}
        template.name, template.text = name, text
        save_named(
            template,
            lambda: record(template.workspace, actor, "changed", template, **details),
            seen=seen,
        )
    return template


def duplicate_template(*, template: Template, actor: Actor) -> Template:
    """The copy is enabled: it is made to be used."""
    workspace = template.workspace

    def make() -> Template:
        name = name_of_copy(Template.objects.filter(workspace=workspace), template.name)
        copy = Template(workspace=workspace, name=name, text=template.text)
        return save_named(copy, lambda: record(workspace, actor, "created", copy, copy_of=template.pk))

    return make_copy(workspace, make)


def set_template_enabled(*, template: Template, actor: Actor, enabled: bool) -> Template:
    """A disabled one is kept and no longer offered."""
    with transaction.atomic():
        if Template.objects.filter(pk=template.pk, enabled=not enabled).update(enabled=enabled):
            record(template.workspace, actor, "enabled" if enabled else "disabled", template)
    template.enabled = enabled
    return template


def clean_text(value: str) -> str:
    """With line ends as they are sent. Raises MessagingError."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise MessagingError(_("The text is empty. Write one."), field="text")
    if len(text) > MOST_CHARACTERS:
        sentence = _("The text has %(count)s characters; at most %(most)s fit. Shorten it.")
        raise MessagingError(
            sentence % {"count": f"{len(text):,}", "most": f"{MOST_CHARACTERS:,}"}, field="text"
        )
    if "\x00" in text:
        raise MessagingError(
            _("The text holds a NUL character, which is no text. Take it out."), field="text"
        )
    return text


@dataclass(frozen=True, slots=True)
class Effect:
    """What a text becomes, with sample values; `range` is None where it cannot be read."""

    content: Content
    sample: str
    counted: Parts
    range: PartsRange | None
    odd: OddCharacters

    @property
    def errors(self) -> tuple[TokenError, ...]:
        return self.content.told_errors

    @property
    def more_errors(self) -> int:
        return self.content.more_errors


def effect_of(workspace: Workspace, text: str) -> Effect:
    content = compile_content(workspace.pk, text)
    sample = sample_text(content)
    return Effect(
        content, sample, count_parts(sample), parts_range(content), odd_characters(text, swaps=content.swaps)
    )
