"""What is written: templates, word spinners, pictures."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace


class Template(models.Model):
    """A text to begin from. A broadcast takes it over as it is then: to change it changes nothing that was sent."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="templates")
    name = models.CharField(_("name"), max_length=100)
    text = models.TextField(_("text"))
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="messaging_template_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class WordSpinner(models.Model):
    """One of its words at random for each message."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="word_spinners")
    name = models.CharField(_("name"), max_length=100)
    # [[word, weight], ...]: a word of weight 3 comes three times as often as one of weight 1.
    words = models.JSONField(_("words"), default=list)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("word spinner")
        verbose_name_plural = _("word spinners")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="messaging_spinner_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Media(models.Model):
    """A picture that goes out with a text (MMS), fetched by the provider from its public address."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="media")
    name = models.CharField(_("name"), max_length=150)
    file = models.FileField(_("file"), upload_to="media/%Y/%m", max_length=200)
    content_type = models.CharField(_("kind"), max_length=50)
    size_bytes = models.PositiveIntegerField(_("size"))
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    sha256 = models.CharField(max_length=64, editable=False)
    # In its public address: nobody guesses it.
    token = models.CharField(max_length=43, unique=True, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [models.UniqueConstraint(fields=["workspace", "sha256"], name="messaging_media_unique")]

    def __str__(self) -> str:
        return self.name
