"""Whom we write to, and who asked us not to."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace


class RecipientList(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="recipient_lists")
    name = models.CharField(_("name"), max_length=100)
    enabled = models.BooleanField(_("enabled"), default=True)
    # Kept by the services that add and remove; never counted on a page.
    recipient_count = models.PositiveIntegerField(_("people"), default=0, editable=False)
    # Names of further columns (beyond Recipient's own fields), each usable as a token.
    columns = models.JSONField(_("further columns"), default=list, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("recipient list")
        verbose_name_plural = _("recipient lists")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="contacts_recipientlist_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """One number on one list, with what is known of its person. `msisdn`: E.164 digits without plus."""

    # The unique constraint's index covers the list, so the key needs none of its own (COPY gains half).
    list = models.ForeignKey(RecipientList, models.CASCADE, related_name="recipients", db_index=False)
    msisdn = models.CharField(_("number"), max_length=15)
    country = models.CharField(_("country"), max_length=2, blank=True)
    first_name = models.CharField(_("first name"), max_length=50, blank=True)
    last_name = models.CharField(_("last name"), max_length=50, blank=True)
    email = models.CharField(_("e-mail"), max_length=255, blank=True)
    url = models.CharField(_("URL"), max_length=255, blank=True)
    gender = models.CharField(_("gender"), max_length=20, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    custom = models.CharField(_("custom"), max_length=5000, blank=True)
    custom1 = models.CharField(_("custom 1"), max_length=5000, blank=True)
    custom2 = models.CharField(_("custom 2"), max_length=5000, blank=True)
    custom3 = models.CharField(_("custom 3"), max_length=5000, blank=True)
    custom4 = models.CharField(_("custom 4"), max_length=5000, blank=True)
    # Further columns by name; each value at most 5,000 characters.
    extra = models.JSONField(_("further columns"), default=dict, blank=True)
    created_at = models.DateTimeField(_("added"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    # The fields a token may name, besides the list's further columns.
    TOKEN_FIELDS = (
        "first_name",
        "last_name",
        "email",
        "url",
        "gender",
        "custom",
        "custom1",
        "custom2",
        "custom3",
        "custom4",
    )

    class Meta:
        verbose_name = _("recipient")
        verbose_name_plural = _("recipients")
        constraints = [models.UniqueConstraint(fields=["list", "msisdn"], name="contacts_recipient_unique")]
        indexes = [models.Index(fields=["msisdn"], name="contacts_recipient_msisdn")]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class OptOutHow(models.TextChoices):
    FILE = "file", _("from a file")
    PAGE = "page", _("on the unsubscribe page")
    STOP = "stop", _("by writing STOP")
    VENDOR = "vendor", _("told by the provider")
    API = "api", _("through the API")
    PERSON = "person", _("entered by a person")


class UnsubscribeList(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="unsubscribe_lists")
    name = models.CharField(_("name"), max_length=100)
    enabled = models.BooleanField(_("enabled"), default=True)
    member_count = models.PositiveIntegerField(_("numbers"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("unsubscribe list")
        verbose_name_plural = _("unsubscribe lists")
        constraints = [
            models.UniqueConstraint("workspace", Lower("name"), name="contacts_unsubscribelist_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class UnsubscribeMember(models.Model):
    list = models.ForeignKey(UnsubscribeList, models.CASCADE, related_name="members", db_index=False)
    msisdn = models.CharField(_("number"), max_length=15)
    how = models.CharField(_("how"), max_length=10, choices=OptOutHow.choices, default=OptOutHow.PERSON)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("member of an unsubscribe list")
        verbose_name_plural = _("members of unsubscribe lists")
        constraints = [
            models.UniqueConstraint(fields=["list", "msisdn"], name="contacts_unsubscribemember_unique")
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class OptOut(models.Model):
    """The workspace-wide opt-out: no broadcast of the workspace texts this number."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="opt_outs", db_index=False)
    msisdn = models.CharField(_("number"), max_length=15)
    how = models.CharField(_("how"), max_length=10, choices=OptOutHow.choices, default=OptOutHow.PERSON)
    # The proof: what was written, or where it came from, word for word.
    source = models.CharField(_("source"), max_length=500, blank=True)
    # The message that the person answered, where known (of messaging, a floor up; so a plain number).
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        constraints = [models.UniqueConstraint(fields=["workspace", "msisdn"], name="contacts_optout_unique")]
        indexes = [models.Index(fields=["workspace", "-at"], name="contacts_optout_recent")]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class ImportState(models.TextChoices):
    UPLOADED = "uploaded", _("uploaded")
    CHECKING = "checking", _("checking")
    CHECKED = "checked", _("checked")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class ExistingNumbers(models.TextChoices):
    UPDATE = "update", _("Update all fields")
    FILL = "fill", _("Fill empty fields only")
    SKIP = "skip", _("Leave as they are")


class EncodingCertainty(models.TextChoices):
    CERTAIN = "certain", _("told by the file")
    GUESSED = "guessed", _("guessed")
    CHOSEN = "chosen", _("chosen by a person")


def nothing() -> list[Any]:
    """The default of Import's JSON lists: in that class the word `list` is the recipient list."""
    return []


class Import(models.Model):
    """One file on its way into one list.

        uploaded -> checking -> checked -> running -> finished
           ^----------'---------'             |-----> failed (says why; run again, it goes on from there)
         (mapping corrected)                  '-----> cancelled

    rows read = new + updated + unchanged + duplicate + skipped + refused, always.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="imports")
    list = models.ForeignKey(RecipientList, models.SET_NULL, null=True, blank=True, related_name="imports")
    new_list_name = models.CharField(_("new list"), max_length=100, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(
        _("state"), max_length=10, choices=ImportState.choices, default=ImportState.UPLOADED
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    # Below MEDIA_ROOT. A CSV as uploaded; a spreadsheet's sheet as CSV, so that it can be read row by row.
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/")
    file_name = models.CharField(_("file name"), max_length=255)
    file_size = models.PositiveBigIntegerField(_("bytes"), default=0)
    file_kind = models.CharField(_("kind"), max_length=5, blank=True)  # csv, xlsx
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    encoding = models.CharField(_("encoding"), max_length=20, blank=True)
    encoding_certainty = models.CharField(
        _("certainty of the encoding"),
        max_length=10,
        choices=EncodingCertainty.choices,
        default=EncodingCertainty.CERTAIN,
    )
    # The first line with more than ASCII as it reads; "" where the encoding is certain.
    letters = models.CharField(_("sample of its letters"), max_length=100, blank=True)
    delimiter = models.CharField(_("delimiter"), max_length=1, blank=True)
    quote = models.CharField(_("quotation mark"), max_length=1, blank=True)
    has_header = models.BooleanField(_("first row holds names"), default=True)
    # contacts.files.columns.Column as dict, in the order of the file.
    columns = models.JSONField(_("columns"), default=nothing)
    # Per column its target: "msisdn", a field of Recipient, "extra:<name>", or "" (do not import).
    mapping = models.JSONField(_("mapping"), default=nothing)
    default_country = models.CharField(_("default country"), max_length=2, blank=True)
    existing = models.CharField(
        _("numbers already there"),
        max_length=10,
        choices=ExistingNumbers.choices,
        default=ExistingNumbers.UPDATE,
    )
    truncate = models.BooleanField(_("cut values that are too long"), default=False)
    total_rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    done_rows = models.PositiveIntegerField(_("rows done"), default=0)
    # Of the check and of the run: {"new", "updated", "unchanged", "duplicate", "skipped", "refused", "cut"};
    # the check adds "opted_out": how many of the numbers will not be texted.
    check_counts = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    # Reasons with first rows: [{"code", "count", "rows": [n, ..], "samples": [..]}]; words: problems.py.
    check_problems = models.JSONField(default=nothing)
    problems = models.JSONField(default=nothing)
    reject_file = models.FileField(_("refused rows"), upload_to="imports/%Y/%m/", blank=True)
    rows_per_second = models.PositiveIntegerField(_("rows per second"), default=0)
    # The worker that has the import now, and until when it must have said again that it lives.
    lease_holder = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="contacts_import_recent")]

    def __str__(self) -> str:
        return self.file_name
