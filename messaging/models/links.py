"""Where the links in texts lead, and who followed them.

Link ----------------- what people manage: a name and addresses
LinkList ------------- several, spread evenly over those who are planned
DispatchLink --------- which link stands behind an entry of a dispatch's codes (messaging/links/codes.py)
OwnUrl --------------- the recipient's own address, where the text shortens it
ErasedMessage -------- its number was erased
Hit ------------------ one request, as it came; its class is computed and may be computed again
Click ---------------- of one message and entry: how often followed, by whom; made from its hits
LinkCount ------------ of one dispatch and entry: kept, never counted
ClicksAgain ---------- of one dispatch: that its classes are computed again, and how far that has come
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from messaging.links.classes import Device, HitClass
from messaging.links.targets import MAX_LENGTH
from messaging.models.ledger import Dispatch

UTM_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


class LinkKey(models.Model):
    """The key of all codes. Another key would make every link that was ever sent lead nowhere: never changed."""

    key = models.BinaryField(max_length=16)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("key of the links")
        verbose_name_plural = _("keys of the links")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Link(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="links")
    name = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("leads to"), max_length=MAX_LENGTH)
    # Platform links: "" leads them where everyone goes.
    bot_redirect = models.CharField(_("desktops go to"), max_length=MAX_LENGTH, blank=True, default="")
    preview_url = models.CharField(
        _("bots and previews go to"), max_length=MAX_LENGTH, blank=True, default=""
    )
    utm_source = models.CharField(_("UTM source"), max_length=100, blank=True, default="")
    utm_medium = models.CharField(_("UTM medium"), max_length=100, blank=True, default="")
    utm_campaign = models.CharField(_("UTM campaign"), max_length=100, blank=True, default="")
    utm_term = models.CharField(_("UTM term"), max_length=100, blank=True, default="")
    utm_content = models.CharField(_("UTM content"), max_length=100, blank=True, default="")
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    # Where it leads when it is over; "" shows a page that says so.
    expired_url = models.CharField(_("afterwards to"), max_length=MAX_LENGTH, blank=True, default="")
    # Of its own short address, for posters and pages: nobody knows who follows that one.
    code = models.CharField(_("code"), max_length=20, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")
        constraints = [models.UniqueConstraint("workspace", Lower("name"), name="messaging_link_unique")]

    def __str__(self) -> str:
        return self.name


class LinkList(models.Model):
    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="link_lists")
    name = models.CharField(_("name"), max_length=100)
    links = models.ManyToManyField(Link, through="LinkListEntry", related_name="link_lists")
    enabled = models.BooleanField(_("enabled"), default=True)
    # Place of the next text to one person that spreads it.
    turn = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("link list")
        verbose_name_plural = _("link lists")
        constraints = [models.UniqueConstraint("workspace", Lower("name"), name="messaging_linklist_unique")]

    def __str__(self) -> str:
        return self.name


class LinkListEntry(models.Model):
    link_list = models.ForeignKey(LinkList, models.CASCADE, related_name="entries", db_index=False)
    link = models.ForeignKey(Link, models.PROTECT, related_name="list_entries")
    place = models.PositiveSmallIntegerField(_("place"))

    class Meta:
        verbose_name = _("link of a list")
        verbose_name_plural = _("links of lists")
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["link_list", "link"], name="messaging_linklistentry_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.place}"


class LinkUse(models.TextChoices):
    """How an entry came into the text."""

    LINK = "link", _("link")
    LINK_LIST = "link_list", _("link of a list")
    OWN_URL = "shorten_url", _("own URL, shortened")
    CALLBACK = "callback_link", _("link with callback")
    UNSUBSCRIBE = "unsubscription_link", _("unsubscribe link")


class DispatchLink(models.Model):
    """The link itself is looked up when it is followed: a target that is mended is mended for what was sent."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="links", db_index=False)
    entry = models.PositiveSmallIntegerField()
    use = models.CharField(max_length=20, choices=LinkUse.choices)
    link = models.ForeignKey(Link, models.PROTECT, related_name="dispatch_links", null=True, blank=True)
    link_list = models.ForeignKey(
        LinkList, models.PROTECT, related_name="dispatch_links", null=True, blank=True
    )

    class Meta:
        verbose_name = _("link of a dispatch")
        verbose_name_plural = _("links of dispatches")
        ordering = ["entry"]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "entry"], name="messaging_dispatchlink_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id}/{self.entry}"


class OwnUrl(models.Model):
    """Kept before the text is handed over: what the recipient's url was then."""

    message_id = models.BigIntegerField(primary_key=True)
    url = models.CharField(_("URL"), max_length=MAX_LENGTH)

    class Meta:
        verbose_name = _("own URL of a recipient")
        verbose_name_plural = _("own URLs of recipients")

    def __str__(self) -> str:
        return f"{self.message_id}"


class ErasedMessage(models.Model):
    """A message to a number that was erased afterwards: of requests for its links nothing is kept that tells of a person."""

    message_id = models.BigIntegerField(primary_key=True)

    class Meta:
        verbose_name = _("message to an erased number")
        verbose_name_plural = _("messages to erased numbers")

    def __str__(self) -> str:
        return f"{self.message_id}"


class Hit(models.Model):
    """Somebody or something asked for a short address. Never changed but for what is computed: class, rule, device."""

    # Made by the process that answered: a hit that is applied twice is there once.
    uid = models.UUIDField(unique=True, editable=False)
    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="hits", db_constraint=False, db_index=False
    )
    # None where it was the link's own address, that of no recipient.
    message_id = models.BigIntegerField(null=True, blank=True)
    dispatch_id = models.BigIntegerField(null=True, blank=True)
    entry = models.SmallIntegerField(default=0)
    link_id = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField(_("at"))
    method = models.CharField(_("method"), max_length=10)
    agent = models.CharField(_("program"), max_length=300, blank=True)
    # The address without its last part (/24, /48), and the whole one with the program as a keyed hash.
    network = models.CharField(_("network"), max_length=45, blank=True)
    visitor = models.CharField(_("visitor"), max_length=22, blank=True)
    is_prefetch = models.BooleanField(_("looked ahead"), default=False)
    # The link was over and led nowhere.
    is_over = models.BooleanField(_("was over"), default=False)
    since_sent_seconds = models.FloatField(_("seconds since sending"), null=True, blank=True)
    hit_class = models.CharField(
        _("class"), max_length=6, choices=[(each.value, each.value) for each in HitClass], blank=True
    )
    rule = models.CharField(_("rule"), max_length=20, blank=True)
    device = models.CharField(
        _("device"), max_length=7, choices=[(each.value, each.value) for each in Device], blank=True
    )
    # When webhooks were told of it; stays when its class is computed again.
    told_at = models.DateTimeField(_("told"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("hit")
        verbose_name_plural = _("hits")
        indexes = [
            models.Index(fields=["dispatch_id", "at"], name="messaging_hit_dispatch"),
            models.Index(fields=["link_id", "at"], name="messaging_hit_link"),
            models.Index(fields=["message_id", "entry"], name="messaging_hit_message"),
            models.Index(fields=["visitor", "at"], name="messaging_hit_visitor"),
            models.Index(fields=["id"], name="messaging_hit_new", condition=models.Q(hit_class="")),
            # When a visitor last made a burst.
            models.Index(
                fields=["visitor", "at"], name="messaging_hit_bursts", condition=models.Q(rule="burst")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


# `Click.entry` and `LinkCount.entry` of a message or dispatch as a whole.
ANY_ENTRY = -1


class Click(models.Model):
    message_id = models.BigIntegerField()
    entry = models.SmallIntegerField()
    dispatch_id = models.BigIntegerField()
    human = models.PositiveIntegerField(default=0)
    bot = models.PositiveIntegerField(default=0)
    unsure = models.PositiveIntegerField(default=0)
    first_human_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("click")
        verbose_name_plural = _("clicks")
        constraints = [models.UniqueConstraint(fields=["message_id", "entry"], name="messaging_click_unique")]
        indexes = [
            # Who clicked, of a dispatch.
            models.Index(
                fields=["dispatch_id", "entry", "message_id"],
                name="messaging_click_people",
                condition=models.Q(human__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id}/{self.entry}"


class LinkCount(models.Model):
    """`hits`: requests; `people`: messages with at least one of that class."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="link_counts", db_index=False)
    entry = models.SmallIntegerField()
    hit_class = models.CharField(max_length=6)
    hits = models.BigIntegerField(default=0)
    people = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("link count")
        verbose_name_plural = _("link counts")
        constraints = [
            models.UniqueConstraint(
                fields=["dispatch", "entry", "hit_class"], name="messaging_linkcount_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry} {self.hit_class} {self.hits}"


class ClicksAgain(models.Model):
    """Its hits are looked at anew in the order of their time, as many at once as disturb nobody.

    asked (`total` None) -> running -> ended
    """

    dispatch = models.OneToOneField(
        Dispatch, models.CASCADE, primary_key=True, related_name="clicks_again", db_index=False
    )
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    # Hits there were when a worker began, and how many it has looked at.
    total = models.PositiveIntegerField(_("requests"), null=True, blank=True)
    done = models.PositiveIntegerField(_("computed"), default=0)
    # All hits until then are done; None: none.
    come_to = models.DateTimeField(_("come to"), null=True, blank=True)
    # When a worker last did some: after a while without any, the sweep wakes another one.
    worked_at = models.DateTimeField(_("worked"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("clicks computed again")
        verbose_name_plural = _("clicks computed again")
        indexes = [
            models.Index(
                fields=["asked_at"], name="messaging_again_open", condition=models.Q(ended_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch_id}"
