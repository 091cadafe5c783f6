"""Who may do what: people, workspaces (companies; all else is in one), roles, API keys, the audit trail."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import time
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.choices import country_choices, time_zone_choices
from accounts.short_domains import validate_short_domain
from accounts.stop_words import validate_languages, validate_words


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=100, blank=True)
    is_staff = models.BooleanField(_("may open the admin"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined"), default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="accounts_user_email_unique")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name or self.email


class Workspace(models.Model):
    name = models.CharField(_("name"), max_length=100, unique=True)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", choices=time_zone_choices)
    default_country = models.CharField(
        _("country of numbers without a country code"), max_length=2, default="US", choices=country_choices
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        default="USD",
        validators=[
            RegexValidator(r"^[A-Z]{3}$", _("Write the currency as three capitals, like USD or EUR."))
        ],
    )
    typed_count_above = models.PositiveIntegerField(
        _("type the count above"),
        default=10_000,
        help_text=_("A broadcast to more people than this asks for the count to be typed before it is sent."),
    )
    # "https://sho.rt": under it the links in texts stand; "" for the installation's own address.
    short_domain = models.CharField(
        _("short domain of links"), max_length=200, blank=True, default="", validators=[validate_short_domain]
    )
    swaps_characters = models.BooleanField(
        _("swap characters that make texts dearer"),
        default=False,
        help_text=_(
            "Curly quotes, long dashes and letters with accents outside the SMS alphabet are sent as the plain"
            " characters that say the same, also in people's names: a text then has up to 160 characters a part, not 70."
        ),
    )
    # In `currency`, a calendar month of `time_zone`; None: no limit.
    monthly_budget = models.DecimalField(
        _("budget a month"),
        max_digits=14,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    # A broadcast is paused once more than so many of a hundred failed, of at least `failure_sample`; 100: never. Where the
    # defaults come from: docs/broadcasts.md.
    failure_limit = models.PositiveSmallIntegerField(
        _("pause when more than so many of a hundred fail"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    failure_sample = models.PositiveIntegerField(
        _("of at least so many messages"),
        default=200,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
    )
    # Of broadcasts nobody gets more than so many within `frequency_days`; None: any number. Single texts and codes do not
    # count and are not held back.
    frequency_cap = models.PositiveSmallIntegerField(
        _("most broadcasts a person gets"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
    )
    frequency_days = models.PositiveSmallIntegerField(
        _("within so many days"),
        default=7,
        validators=[MinValueValidator(1), MaxValueValidator(366)],
    )
    # By the clock where the recipient is; a workspace that is made from now on has them on (services.create_workspace).
    has_quiet_hours = models.BooleanField(
        _("quiet hours"),
        default=False,
        help_text=_(
            "Who would get a broadcast in these hours, where they are, gets it after them. Codes and single texts of the API"
            " go at once."
        ),
    )
    quiet_from = models.TimeField(_("quiet from"), default=time(21))
    quiet_to = models.TimeField(_("quiet until"), default=time(8))
    # Keys of sms.opt_out.WORDS besides English, whose words always count; and words of the company's own.
    opt_out_languages = models.JSONField(
        _("languages of stop words"), default=list, blank=True, validators=[validate_languages]
    )
    opt_out_words = models.JSONField(
        _("further stop words"), default=list, blank=True, validators=[validate_words]
    )
    # Texts that a person has to read (contacts.OptOutReview): kept by contacts, shown in the menu of every page.
    waiting_reviews = models.PositiveIntegerField(_("waiting perhaps-opt-outs"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.quiet_from == self.quiet_to:
            sentence = _("The quiet hours begin and end at %(time)s. Choose another end, or switch them off.")
            raise ValidationError({"quiet_to": sentence % {"time": f"{self.quiet_to:%H:%M}"}})


class Role(models.TextChoices):
    """Each role may do what the ones below it may: owner > admin > marketer > viewer."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    MARKETER = "marketer", _("Marketer")
    VIEWER = "viewer", _("Viewer")


ROLE_RANK = {Role.VIEWER: 0, Role.MARKETER: 1, Role.ADMIN: 2, Role.OWNER: 3}


def role_allows(role: str, needed: Role) -> bool:
    return ROLE_RANK[Role(role)] >= ROLE_RANK[needed]


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MARKETER)
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="accounts_membership_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Invitation(models.Model):
    """A link that lets one person join. Only its hash is kept; it works once, until `expires_at`."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MARKETER)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("invited"), default=timezone.now)
    expires_at = models.DateTimeField(_("valid until"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return self.email


def hash_token(token: str) -> str:
    """SHA-256 in hex. Our tokens hold 32 random bytes: no salt and no slow hash needed."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiKey(models.Model):
    """A key for the API. The key itself is shown once; `hashed` is kept."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=100)
    role = models.CharField(_("role"), max_length=10, choices=Role.choices, default=Role.MARKETER)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    hashed = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def new_key() -> str:
        return f"crier_{secrets.token_urlsafe(32)}"


class AuditEntry(models.Model):
    """Who did what, to which thing, when. Written by services, never changed."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="audit_entries")
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    action = models.CharField(_("action"), max_length=60)
    subject = models.CharField(_("what"), max_length=60)
    subject_id = models.BigIntegerField(_("number"), null=True, blank=True)
    label = models.CharField(_("name"), max_length=200, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["workspace", "-at"], name="accounts_audit_recent"),
            # What became of a number's opt-outs.
            models.Index(
                fields=["workspace", "label"],
                name="accounts_audit_opt_outs",
                condition=models.Q(subject="optout"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject} {self.label}"


class ProcessBeat(models.Model):
    """A worker or the scheduler said that it lives; /readyz reads it."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name = _("living process")
        verbose_name_plural = _("living processes")
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="accounts_processbeat_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Instance(models.Model):
    """Which installation this database belongs to, and where it was when a person (or its first start) said so.

    One row. A copy of the database carries it along, and is told by what it cannot carry: see accounts/instance.py.
    """

    name = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    # accounts.instance.place(): {"database": "...", "address": "..."}.
    place = models.JSONField(_("place"), default=dict)
    # Grows with each sweep. A process that has seen a higher one looks at a database that went back in time.
    turn = models.BigIntegerField(default=0)
    turned_at = models.DateTimeField(_("last sent from"), default=timezone.now)
    claimed_at = models.DateTimeField(_("claimed"), default=timezone.now)
    claimed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("installation")
        verbose_name_plural = _("installation")

    def __str__(self) -> str:
        return str(self.name)
