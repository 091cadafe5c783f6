"""Whom we write to, and who asked us not to."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, User, Workspace


class RecipientList(models.Model):
    """People, a row each; or a live list: whoever on `source` matches `rule` just now. It has no rows of its own."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="recipient_lists")
    name = models.CharField(_("name"), max_length=100)
    enabled = models.BooleanField(_("enabled"), default=True)
    source = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="live_lists", verbose_name=_("filter of")
    )
    # contacts.rules.Rule as dict; empty where the list holds its own people.
    rule = models.JSONField(_("filter"), default=dict, blank=True)
    # Kept by the services that add and remove; never counted on a page. Of a live list: when it was last counted.
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


class NumberKind(models.TextChoices):
    """sms.msisdn.Kind in words."""

    MOBILE = "mobile", _("mobile")
    FIXED_LINE = "fixed_line", _("landline")
    FIXED_LINE_OR_MOBILE = "fixed_line_or_mobile", _("landline or mobile")
    TOLL_FREE = "toll_free", _("toll-free")
    PREMIUM_RATE = "premium_rate", _("premium rate")
    SHARED_COST = "shared_cost", _("shared cost")
    VOIP = "voip", _("internet telephone")
    PERSONAL_NUMBER = "personal_number", _("personal number")
    PAGER = "pager", _("pager")
    UAN = "uan", _("company number")
    VOICEMAIL = "voicemail", _("voicemail")


# That may be a mobile, or that nobody has looked at.
UNMARKED_KINDS = frozenset({NumberKind.MOBILE.value, NumberKind.FIXED_LINE_OR_MOBILE.value, ""})


class Recipient(models.Model):
    """One number on one list, with what is known of its person. `msisdn`: E.164 digits without plus."""

    # The unique constraint's index covers the list, so the key needs none of its own (COPY gains half).
    list = models.ForeignKey(RecipientList, models.CASCADE, related_name="recipients", db_index=False)
    msisdn = models.CharField(_("number"), max_length=15)
    country = models.CharField(_("country"), max_length=2, blank=True)
    # "" where nobody has looked yet.
    kind = models.CharField(_("kind of number"), max_length=20, choices=NumberKind.choices, blank=True)
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
    # The import that put the number on the list; None: a person or a program did. A plain number, kept when that goes.
    import_id = models.BigIntegerField(_("import"), null=True, blank=True)
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

    @property
    def marked_kind(self) -> str:
        """In words, where the number is no mobile; else ""."""
        return "" if self.kind in UNMARKED_KINDS else str(NumberKind(self.kind).label)


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
    # As of an opt-out.
    source = models.CharField(_("source"), max_length=500, blank=True)
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
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
    # When the number was last opted out by anything but a text, by our clock: an older START undoes no such thing. None:
    # by texts alone, whose own moments are kept with them; and of rows from before this was kept.
    written_at = models.DateTimeField(
        null=True, blank=True, default=timezone.now, db_default=Now(), editable=False
    )
    # Until when whoever made it on the unsubscribe page may take it back there, as long as nothing else has said since
    # that this number is not to be texted: then it is None.
    undo_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("opt-out")
        verbose_name_plural = _("opt-outs")
        constraints = [models.UniqueConstraint(fields=["workspace", "msisdn"], name="contacts_optout_unique")]
        indexes = [
            models.Index(fields=["workspace", "-at"], name="contacts_optout_recent"),
            models.Index(
                fields=["workspace", "undo_until"],
                name="contacts_optout_undo",
                condition=models.Q(undo_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class ReviewDecision(models.TextChoices):
    WAITING = "waiting", _("waiting")
    OPTED_OUT = "opted_out", _("opted out")
    DISMISSED = "dismissed", _("no opt-out")


class OptOutReview(models.Model):
    """A text that perhaps asks us to stop ("please stop this"): a person decides."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="opt_out_reviews", db_index=False)
    msisdn = models.CharField(_("number"), max_length=15)
    text = models.TextField(_("text"))
    # The inbound text (of messaging, a floor up; so a plain number): each is reviewed once.
    inbound_id = models.BigIntegerField(_("inbound text"))
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    at = models.DateTimeField(_("when"), default=timezone.now)
    decision = models.CharField(
        _("decision"), max_length=10, choices=ReviewDecision.choices, default=ReviewDecision.WAITING
    )
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    # The opt-out that the decision made, as long as nothing else has confirmed it: what undoing takes back.
    opt_out_id = models.BigIntegerField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("perhaps an opt-out")
        verbose_name_plural = _("perhaps opt-outs")
        constraints = [
            models.UniqueConstraint(fields=["workspace", "inbound_id"], name="contacts_review_unique")
        ]
        indexes = [
            models.Index(fields=["workspace", "decision", "-id"], name="contacts_review_waiting"),
            models.Index(fields=["workspace", "msisdn"], name="contacts_review_number"),
        ]

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
    UNDOING = "undoing", _("being undone")
    UNDONE = "undone", _("undone")


class ImportPurpose(models.TextChoices):
    RECIPIENTS = "recipients", _("people for a list")
    OPT_OUTS = "opt_outs", _("opt-outs of the workspace")
    UNSUBSCRIBE_LIST = "unsubscribe", _("numbers for an unsubscribe list")


class ExistingNumbers(models.TextChoices):
    UPDATE = "update", _("Update all fields")
    FILL = "fill", _("Fill empty fields only")
    SKIP = "skip", _("Leave as they are")
    REPLACE = "replace", _("Update them, and remove everybody who is not in the file")


class DateOrder(models.TextChoices):
    NONE = "", _("Not known: such a date stays in the proof as it is written")
    DAY_FIRST = "day_first", _("The day first: 31/12/2026")
    MONTH_FIRST = "month_first", _("The month first: 12/31/2026")


class NumberForm(models.TextChoices):
    """What numbers of a file are that have neither + nor 00 in front, where a default country is chosen."""

    NATIONAL = "national", _("National: numbers of the default country")
    INTERNATIONAL = "international", _("International: the calling code stands in front")


class EncodingCertainty(models.TextChoices):
    CERTAIN = "certain", _("told by the file")
    GUESSED = "guessed", _("guessed")
    CHOSEN = "chosen", _("chosen by a person")


def nothing() -> list[Any]:
    """The default of Import's JSON lists: in that class the word `list` is the recipient list."""
    return []


class Import(models.Model):
    """One file on its way into one list, or among the opt-outs; those are never undone as a whole.

        uploaded -> checking -> checked -> running -> finished
           ^----------'---------'             |-----> failed (says why; run again, it goes on from there)
         (mapping corrected)                  '-----> cancelled
    finished, failed, cancelled -> undoing -> undone

    rows read = new + updated + unchanged + duplicate + skipped + refused, always.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="imports")
    purpose = models.CharField(
        _("purpose"), max_length=11, choices=ImportPurpose.choices, default=ImportPurpose.RECIPIENTS
    )
    unsubscribe_list = models.ForeignKey(
        UnsubscribeList, models.SET_NULL, null=True, blank=True, related_name="imports"
    )
    list = models.ForeignKey(RecipientList, models.SET_NULL, null=True, blank=True, related_name="imports")
    new_list_name = models.CharField(_("new list"), max_length=100, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    # Where a program uploaded it.
    api_key = models.ForeignKey(ApiKey, models.SET_NULL, null=True, blank=True, related_name="+")
    # Of people: how they agreed to be texted, in words: "Web form, double opt-in".
    consent = models.CharField(_("consent"), max_length=200, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ImportState.choices, default=ImportState.UPLOADED
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    # Below MEDIA_ROOT. A CSV as uploaded; a spreadsheet's sheet as CSV, so that it can be read row by row. This and the
    # other two files are "" once they are deleted (services/file_retention.py).
    file = models.FileField(_("file"), upload_to="imports/%Y/%m/")
    file_name = models.CharField(_("file name"), max_length=255)
    file_size = models.PositiveBigIntegerField(_("bytes"), default=0)
    file_kind = models.CharField(_("kind"), max_length=5, blank=True)  # csv, xlsx, xls, ods
    # How the file was packed: gzip, zip or not at all.
    packed = models.CharField(_("packed"), max_length=5, blank=True)
    # A workbook as uploaded, so that another sheet of it can be chosen, and the names of its sheets.
    workbook = models.FileField(_("workbook"), upload_to="imports/%Y/%m/", blank=True)
    sheets = models.JSONField(_("sheets"), default=nothing)
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
    has_header = models.BooleanField(_("a row holds names"), default=True)
    # Which one, as rows are counted in the file; rows above it are no data. Empty: the first that holds anything.
    header_row = models.PositiveIntegerField(_("row of the names"), null=True, blank=True)
    # contacts.files.columns.Column as dict, in the order of the file.
    columns = models.JSONField(_("columns"), default=nothing)
    # Per column its target: "msisdn" (the next choices: "msisdn:2", "msisdn:3"), "whole_name", a field of Recipient,
    # "extra:<name>", or "" (do not import). Of opt-outs and unsubscribe lists numbers and contacts.fields.PROOF_FIELDS.
    mapping = models.JSONField(_("mapping"), default=nothing)
    # Those of the list's further columns that it did not have before the run.
    new_columns = models.JSONField(default=nothing)
    default_country = models.CharField(_("default country"), max_length=2, blank=True)
    number_form = models.CharField(
        _("numbers without +"), max_length=13, choices=NumberForm.choices, default=NumberForm.NATIONAL
    )
    # Not so: it is guessed, and counts for the preferred number column; further ones are of what their values show.
    is_form_chosen = models.BooleanField(_("chosen for all number columns"), default=False)
    existing = models.CharField(
        _("numbers already there"),
        max_length=10,
        choices=ExistingNumbers.choices,
        default=ExistingNumbers.UPDATE,
    )
    truncate = models.BooleanField(_("cut values that are too long"), default=False)
    # Of opt-outs: how 03/05/2026 is meant.
    date_order = models.CharField(
        _("days and months"), max_length=11, choices=DateOrder.choices, default=DateOrder.NONE, blank=True
    )
    total_rows = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    done_rows = models.PositiveIntegerField(_("rows done"), default=0)
    # Of the check and of the run: {"new", "updated", "unchanged", "duplicate", "skipped", "refused", "cut", "other_number",
    # "removed"};
    # the check adds "opted_out": how many of the numbers will not be texted.
    check_counts = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    # Reasons with first rows: [{"code", "count", "rows": [n, ..], "samples": [..]}]; words: problems.py.
    check_problems = models.JSONField(default=nothing)
    problems = models.JSONField(default=nothing)
    # The first rows of each count of the check: {"new": [n, ..], .., "duplicate": [[n, digits, first row or null], ..],
    # "countries": {"FR": [how many, [n, ..]], ..}}, the rows of countries other than the default one.
    check_rows = models.JSONField(default=dict)
    reject_file = models.FileField(_("refused rows"), upload_to="imports/%Y/%m/", blank=True)
    rows_per_second = models.PositiveIntegerField(_("rows per second"), default=0)
    # The worker that has the import now, and until when it must have said again that it lives.
    lease_holder = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    undone_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    # What undoing did so far: {"removed", "restored", "put_back", "kept", "elsewhere"}, and "passed_on" where there is
    # anybody; empty where it never began.
    undo_counts = models.JSONField(default=dict)
    # Who stayed: {"edited": the first numbers, "lists": {id of another list: how many}}; and what became of a list that the
    # import had made and that is empty now: {"list": "deleted" or "disabled"}.
    undo_kept = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="contacts_import_recent")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def by(self) -> str:
        """A person, or a program by the name of its key; "" where neither is known."""
        return str(self.created_by or self.api_key or "")

    @property
    def is_file_kept(self) -> bool:
        """False once the upload is deleted, some weeks after the import has ended."""
        return bool(self.file)


class ImportBefore(models.Model):
    """How a recipient was before an import changed or removed it: what undoing puts back, and whom it asks for."""

    # The constraint's index covers it.
    imported = models.ForeignKey(
        Import, models.CASCADE, related_name="before", db_constraint=False, db_index=False
    )
    msisdn = models.CharField(_("number"), max_length=15)
    # The row was removed (the list was replaced), not changed.
    removed = models.BooleanField(_("removed"), default=False)
    # Columns of the recipient as they were: those that the import may change, with "written_at", when it changed them; or
    # all. Empty for one whom it added and who has left the list since.
    was = models.JSONField(_("as it was"))

    class Meta:
        verbose_name = _("recipient before an import")
        verbose_name_plural = _("recipients before an import")
        constraints = [
            models.UniqueConstraint(fields=["imported", "msisdn"], name="contacts_importbefore_unique")
        ]

    def __str__(self) -> str:
        return f"+{self.msisdn}"


class RememberedMapping(models.Model):
    """What a person chose for files with these column names: offered again for the next one."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="remembered_mappings", db_index=False
    )
    # Of the column names, whatever their order, case and blanks.
    digest = models.CharField(max_length=64)
    purpose = models.CharField(
        _("purpose"), max_length=11, choices=ImportPurpose.choices, default=ImportPurpose.RECIPIENTS
    )
    names = models.JSONField(_("columns"))
    mapping = models.JSONField(_("mapping"))
    # Where another one was chosen than the values showed; else "".
    number_form = models.CharField(_("numbers without +"), max_length=13, blank=True)
    used_at = models.DateTimeField(_("last used"), default=timezone.now)

    class Meta:
        verbose_name = _("remembered mapping")
        verbose_name_plural = _("remembered mappings")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "purpose", "digest"], name="contacts_rememberedmapping_unique"
            )
        ]

    def __str__(self) -> str:
        return ", ".join(self.names)


class SavedFilter(models.Model):
    """A filter of a list under a name, to be used again."""

    list = models.ForeignKey(RecipientList, models.CASCADE, related_name="saved_filters", db_index=False)
    name = models.CharField(_("name"), max_length=100)
    # contacts.rules.Rule as dict.
    rule = models.JSONField(_("filter"))
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [models.UniqueConstraint("list", Lower("name"), name="contacts_savedfilter_unique")]

    def __str__(self) -> str:
        return self.name


class ListJobKind(models.TextChoices):
    COPY = "copy", _("copy")
    MOVE = "move", _("move")
    REMOVE = "remove", _("remove")
    SET_FIELD = "set_field", _("set a field")
    OPT_OUT = "opt_out", _("opt out")
    SPLIT = "split", _("split")
    DEDUPLICATE = "deduplicate", _("remove duplicates of other lists")
    EXPORT = "export", _("export")


class ListJobState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    FINISHED = "finished", _("finished")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class ListJob(models.Model):
    """One thing done to everybody on a list who matches a filter, by a worker, a chunk a transaction.

    waiting -> running -> finished
                  |-----> failed (says why; run again, it goes on from there)
                  '-----> cancelled
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="list_jobs")
    list = models.ForeignKey(RecipientList, models.CASCADE, related_name="jobs")
    # Where a copy or move goes to.
    target = models.ForeignKey(
        RecipientList, models.CASCADE, null=True, blank=True, related_name="incoming_jobs"
    )
    kind = models.CharField(_("what"), max_length=11, choices=ListJobKind.choices)
    # Whom: contacts.rules.Rule as dict, and words searched for; both empty for everybody.
    rule = models.JSONField(_("filter"), default=dict, blank=True)
    words = models.CharField(_("searched for"), max_length=200, blank=True)
    # What the kind needs besides: a field and its value, a file's form, how to split; "ids" of the people it is for,
    # where they were ticked; "agreed": how many may go at most.
    options = models.JSONField(_("options"), default=dict, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=ListJobState.choices, default=ListJobState.WAITING
    )
    state_reason = models.CharField(_("reason"), max_length=500, blank=True)
    total = models.PositiveIntegerField(_("people"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    # Up to which number it is done: where a worker died, another goes on from here. `done` is rows looked through.
    last_msisdn = models.CharField(max_length=15, blank=True, editable=False)
    # What became of them: {"copied", "there_already", "removed", ...}.
    counts = models.JSONField(default=dict)
    # An export's file.
    file = models.FileField(_("file"), upload_to="exports/%Y/%m/", blank=True)
    lease_holder = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(_("asked for"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("job of a list")
        verbose_name_plural = _("jobs of lists")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["list", "-created_at"], name="contacts_listjob_recent")]

    def __str__(self) -> str:
        return f"{self.what} {self.list}"

    @property
    def is_merge(self) -> bool:
        """A copy of several lists, one after the other: options["merge"] are their ids, options["at"] whose turn it is."""
        return "merge" in self.options

    @property
    def what(self) -> str:
        return str(_("merge")) if self.is_merge else str(self.get_kind_display())
