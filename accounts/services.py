"""Every change to workspaces, people, invitations and keys; each leaves a line in the audit trail."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.access import Actor
from accounts.errors import AccountsError, AlreadySetUp, InvitationNotValid
from accounts.models import (
    ROLE_RANK,
    ApiKey,
    Invitation,
    Membership,
    Role,
    User,
    Workspace,
    hash_token,
    role_allows,
)
from accounts.short_domains import clean_short_domain, host_name, installation_hosts
from accounts.signals import ShortDomainWanted, WorkspaceCreated, short_domain_wanted, workspace_created
from web.names import name_problem, stripped_name

log = structlog.get_logger("crier.accounts")
INVITATION_DAYS = 7
KEY_PREFIX_LENGTH = 12
WORKSPACE_FIELDS = (
    "name",
    "time_zone",
    "default_country",
    "currency",
    "typed_count_above",
    "opt_out_languages",
    "opt_out_words",
    "short_domain",
    "swaps_characters",
    "has_quiet_hours",
    "quiet_from",
    "quiet_to",
)
# With what has a page of its own in the settings.
SENDING_FIELDS = ("failure_limit", "failure_sample", "frequency_cap", "frequency_days")
CHANGEABLE = (*WORKSPACE_FIELDS, "monthly_budget", *SENDING_FIELDS)


@dataclass(frozen=True, slots=True, repr=False)
class SentInvitation:
    """`link` holds the token and is not kept: show it once. `emailed`: the mail server took the mail."""

    invitation: Invitation
    link: str
    emailed: bool


# --- workspaces -----------------------------------------------------------------------------------


def is_empty_system() -> bool:
    return not User.objects.exists()


@transaction.atomic
def set_up(
    *,
    workspace_name: str,
    email: str,
    password: str,
    time_zone: str = "UTC",
    default_country: str = "US",
    wants_sandbox: bool = False,
) -> tuple[Workspace, User]:
    """The first workspace and its owner. Raises AlreadySetUp once there is a person, however new."""
    _wait_for_others_who_set_up()
    if not is_empty_system():
        raise AlreadySetUp(_("This installation has an owner already: sign in, or ask them to invite you."))
    user = _new_user(email=email, password=password)
    # The first owner looks after the installation: Django admin is theirs.
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    workspace = create_workspace(
        name=workspace_name,
        owner=user,
        time_zone=time_zone,
        default_country=default_country,
        wants_sandbox=wants_sandbox,
    )
    return workspace, user


def _wait_for_others_who_set_up() -> None:
    """SQLite's IMMEDIATE transactions are one at a time already; there is no row yet that could be locked."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")


@transaction.atomic
def create_workspace(
    *,
    name: str,
    owner: User,
    time_zone: str = "UTC",
    default_country: str = "US",
    currency: str = "USD",
    wants_sandbox: bool = False,
    has_quiet_hours: bool | None = None,
) -> Workspace:
    """`has_quiet_hours`: None has them on; but not where things are tried out at the sandbox, at any time of the day."""
    workspace = Workspace(
        name=stripped_name(name),
        time_zone=time_zone,
        default_country=default_country,
        currency=currency,
        has_quiet_hours=not wants_sandbox if has_quiet_hours is None else has_quiet_hours,
    )
    _save_workspace(workspace)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    audit.record(workspace, Actor(user=owner), "created", workspace)
    payload = WorkspaceCreated(workspace_id=workspace.pk, user_id=owner.pk, wants_sandbox=wants_sandbox)
    workspace_created.send(sender=Workspace, payload=payload)
    return workspace


@transaction.atomic
def update_workspace(*, workspace: Workspace, actor: Actor, **changes: Any) -> Workspace:
    """`changes`: any of CHANGEABLE. The audit line holds old and new value of what differs."""
    unknown = set(changes) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"not fields of a workspace: {', '.join(sorted(unknown))}")
    _demand(workspace, actor, Role.ADMIN)
    kept = Workspace.objects.select_for_update().get(pk=workspace.pk)
    if "short_domain" in changes:
        _one_domain_at_a_time()
        changes["short_domain"] = _free_short_domain(kept, changes["short_domain"])
    differing = {name: new for name, new in changes.items() if getattr(kept, name) != new}
    old = {name: getattr(kept, name) for name in differing}
    for name, value in differing.items():
        setattr(kept, name, value)
    if differing:
        _save_workspace(kept)
        audit.record(kept, actor, "changed", kept, old=_as_json(old), new=_as_json(differing))
    return kept


def _one_domain_at_a_time() -> None:
    """By the lock of the oldest workspace, until the transaction ends. Who has it, waits for nobody."""
    oldest = Workspace.objects.order_by("pk").values_list("pk", flat=True)[:1]
    list(Workspace.objects.select_for_update().filter(pk__in=list(oldest)).values_list("pk"))


def _free_short_domain(workspace: Workspace, text: str) -> str:
    """As it is kept. Under another company's domain, or that of everybody's pages, no links of ours may stand."""
    try:
        domain = clean_short_domain(text)
    except ValidationError as error:
        raise AccountsError(error.messages[0], field="short_domain") from None
    host = host_name(domain)
    if not host or domain == workspace.short_domain:
        return domain
    if host in installation_hosts():
        sentence = _("%(domain)s is where Crier's own pages are. Leave the field empty to have links there.")
        raise AccountsError(sentence % {"domain": domain}, field="short_domain")
    others = Workspace.objects.exclude(pk=workspace.pk).exclude(short_domain="")
    if host in map(host_name, others.values_list("short_domain", flat=True)):
        sentence = _("%(domain)s belongs to another workspace. Choose a domain of your own.")
        raise AccountsError(sentence % {"domain": domain}, field="short_domain", code="taken")
    wanted = ShortDomainWanted(workspace_id=workspace.pk, domain=domain, host=host)
    short_domain_wanted.send(sender=Workspace, payload=wanted)
    return domain


def _as_json(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return str(value) if isinstance(value, Decimal) else value


def _checked_name(value: str) -> str:
    """Without what nobody sees at its ends. Raises AccountsError."""
    name = stripped_name(value)
    if problem := name_problem(name):
        raise AccountsError(problem, field="name")
    return name


def _save_workspace(workspace: Workspace) -> None:
    workspace.name = _checked_name(workspace.name)
    try:
        workspace.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        field, sentences = next(iter(error.message_dict.items()))
        raise AccountsError(sentences[0], field=field) from None
    try:
        with transaction.atomic():
            workspace.save()
    except IntegrityError:
        sentence = _("There is a workspace named “%(name)s” already: choose another name.")
        raise AccountsError(sentence % {"name": workspace.name}, field="name", code="taken") from None


# --- people ---------------------------------------------------------------------------------------


def _new_user(*, email: str, password: str, name: str = "") -> User:
    """Raises AccountsError for an address that is none or taken, and for a weak password."""
    _checked_email(email)
    name = _checked_name(name)
    try:
        validate_password(password, User(email=email, name=name))
    except ValidationError as error:
        raise AccountsError(" ".join(error.messages), field="password") from None
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, name=name)
    except IntegrityError:
        sentence = _("There is an account for %(email)s already: sign in with it, then open the link again.")
        raise AccountsError(sentence % {"email": email}, field="email", code="taken") from None


def _checked_email(email: str) -> str:
    """Raises AccountsError for what is no address, or longer than it can be kept."""
    most = User._meta.get_field("email").max_length or 0
    # Some letters are two in lower case, which is how it is kept.
    if len(email.lower()) > most:
        sentence = _("The e-mail address has %(n)d characters; at most %(most)d fit. Give a shorter one.")
        raise AccountsError(sentence % {"n": len(email), "most": most}, field="email")
    try:
        validate_email(email)
    except ValidationError:
        sentence = _("“%(email)s” is not an e-mail address: write it like name@example.com.")
        raise AccountsError(sentence % {"email": email}, field="email") from None
    return email


def _known_role(role: str) -> str:
    if role not in Role.values:
        sentence = _("“%(role)s” is not a role: use one of %(roles)s.")
        raise AccountsError(sentence % {"role": role, "roles": ", ".join(Role.values)}, field="role")
    return role


def role_of(workspace: Workspace, actor: Actor) -> Role | None:
    """Of the person or key in that workspace. Crier itself (commands, engine) may do what an owner may."""
    if actor.api_key is not None:
        return Role(actor.api_key.role) if actor.api_key.workspace_id == workspace.pk else None
    if actor.user is None or actor.user.is_superuser:
        return Role.OWNER
    role = (
        Membership.objects.filter(workspace=workspace, user=actor.user).values_list("role", flat=True).first()
    )
    return Role(role) if role else None


def grantable_roles(role: str) -> list[Role]:
    """The roles somebody of `role` may give to others and to keys: none above their own."""
    return [given for given in Role if ROLE_RANK[given] <= ROLE_RANK[Role(role)]]


def _demand(workspace: Workspace, actor: Actor, needed: Role) -> Role:
    role = role_of(workspace, actor)
    if role is None or not role_allows(role, needed):
        sentence = _("This needs the role %(role)s in %(workspace)s: ask one of its owners.")
        raise AccountsError(
            sentence % {"role": needed.label, "workspace": workspace.name}, code="role_too_low"
        )
    return role


def _demand_above(workspace: Workspace, actor: Actor, *roles: str) -> None:
    """An admin may neither make nor touch owners."""
    own = _demand(workspace, actor, Role.ADMIN)
    if any(not role_allows(own, Role(role)) for role in roles):
        raise AccountsError(_("Only an owner may do this with owners."), field="role", code="owners_only")


def invite_person(*, workspace: Workspace, email: str, role: str, actor: Actor) -> SentInvitation:
    """Ends an unused earlier invitation of the same address. The mail goes out after the commit."""
    token = token_urlsafe(32)
    invitation = _keep_invitation(
        workspace, User.objects.normalize_email(email.strip()).lower(), role, token, actor
    )
    link = settings.PUBLIC_URL + reverse("join", args=[token])
    return SentInvitation(invitation, link, _send_invitation(invitation, link, actor))


@transaction.atomic
def _keep_invitation(workspace: Workspace, email: str, role: str, token: str, actor: Actor) -> Invitation:
    _demand_above(workspace, actor, _known_role(role))
    if Membership.objects.filter(workspace=workspace, user__email__iexact=email).exists():
        sentence = _("%(email)s is a member of %(workspace)s already.")
        raise AccountsError(
            sentence % {"email": email, "workspace": workspace.name}, field="email", code="taken"
        )
    Invitation.objects.filter(workspace=workspace, email__iexact=email, accepted_at=None).delete()
    invitation = Invitation(
        workspace=workspace,
        email=_checked_email(email),
        role=role,
        token_hash=hash_token(token),
        invited_by=actor.user,
        expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
    )
    invitation.save()
    audit.record(workspace, actor, "invited", invitation, role=role)
    return invitation


def _send_invitation(invitation: Invitation, link: str, actor: Actor) -> bool:
    days = INVITATION_DAYS
    context = {
        "workspace": invitation.workspace.name,
        "by": str(actor),
        "role": invitation.get_role_display(),
        "link": link,
        "validity": ngettext(
            "The link works once, for one day.", "The link works once, for %(days)d days.", days
        )
        % {"days": days},
    }
    subject = _("Join %(workspace)s on Crier") % {"workspace": invitation.workspace.name}
    message = EmailMessage(
        subject, render_to_string("accounts/email/invitation.txt", context), to=[invitation.email]
    )
    try:
        message.send()
    except (smtplib.SMTPException, OSError) as error:
        log.warning("invitation not mailed", invitation=invitation.pk, error=type(error).__name__)
        return False
    return True


@transaction.atomic
def withdraw_invitation(*, invitation: Invitation, actor: Actor) -> None:
    _demand_above(invitation.workspace, actor, invitation.role)
    audit.record(invitation.workspace, actor, "withdrew", invitation)
    invitation.delete()


def pending_invitations(workspace: Workspace) -> QuerySet[Invitation]:
    waiting = Invitation.objects.filter(workspace=workspace, accepted_at=None, expires_at__gt=timezone.now())
    return waiting.select_related("invited_by").order_by("-created_at")


def find_invitation(token: str) -> Invitation:
    """Raises InvitationNotValid; all ways of being invalid answer alike."""
    valid = Q(token_hash=hash_token(token), accepted_at=None, expires_at__gt=timezone.now())
    invitation = Invitation.objects.select_related("workspace", "invited_by").filter(valid).first()
    if invitation is None:
        raise InvitationNotValid(
            _("This invitation was used or withdrawn, or has run out: ask for a new one."), code="not_valid"
        )
    return invitation


@transaction.atomic
def accept_invitation(
    *, token: str, user: User | None = None, name: str = "", password: str = ""
) -> Membership:
    """`user` joins; without one, a new person with the invited address, `name` and `password` does."""
    invitation = find_invitation(token)
    now = timezone.now()
    # The conditional update lets one of two simultaneous clicks through.
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now):
        raise InvitationNotValid(_("This invitation was used a moment ago."), code="not_valid")
    if user is None:
        user = _new_user(email=invitation.email, password=password, name=name)
    membership, is_new = Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    if not is_new:
        sentence = _("You are a member of %(workspace)s already.")
        raise AccountsError(sentence % {"workspace": invitation.workspace.name}, code="already_member")
    audit.record(invitation.workspace, Actor(user=user), "joined", membership, role=membership.role)
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str, actor: Actor) -> Membership:
    kept = _locked(membership)
    _demand_above(kept.workspace, actor, kept.role, _known_role(role))
    if kept.role == role:
        return kept
    if kept.role == Role.OWNER:
        _demand_another_owner(kept)
    audit.record(kept.workspace, actor, "changed role", kept, old=kept.role, new=role)
    kept.role = membership.role = role
    kept.save(update_fields=["role"])
    return kept


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor) -> None:
    """Anybody may leave; to remove others takes an admin. What the person made stays."""
    kept = _locked(membership)
    if actor.user != kept.user:
        _demand_above(kept.workspace, actor, kept.role)
    if kept.role == Role.OWNER:
        _demand_another_owner(kept)
    audit.record(kept.workspace, actor, "removed", kept, role=kept.role, email=kept.user.email)
    kept.delete()


def _locked(membership: Membership) -> Membership:
    """The lock is on the workspace: two owners who remove each other at once must not both succeed."""
    Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    kept = Membership.objects.select_related("workspace", "user").filter(pk=membership.pk).first()
    if kept is None:
        raise AccountsError(_("This person is not a member any more."), code="gone")
    return kept


def _demand_another_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(workspace=membership.workspace, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        sentence = _("%(person)s is the last owner of %(workspace)s: make somebody else owner first.")
        raise AccountsError(
            sentence % {"person": membership.user, "workspace": membership.workspace.name},
            field="role",
            code="last_owner",
        )


# --- API keys -------------------------------------------------------------------------------------


@transaction.atomic
def create_api_key(*, workspace: Workspace, name: str, role: str, actor: Actor) -> tuple[ApiKey, str]:
    """The key's row, and the key itself, which is not kept: show it once."""
    own = _demand(workspace, actor, Role.ADMIN)
    if not role_allows(own, Role(_known_role(role))):
        raise AccountsError(
            _("A key cannot have a higher role than yours."), field="role", code="owners_only"
        )
    name = _checked_name(name)
    if not name:
        raise AccountsError(_("Name the key after the program that will use it."), field="name")
    raw = ApiKey.new_key()
    key = ApiKey.objects.create(
        workspace=workspace,
        name=name[:100],
        role=role,
        prefix=raw[:KEY_PREFIX_LENGTH],
        hashed=hash_token(raw),
        created_by=actor.user,
    )
    audit.record(workspace, actor, "created", key, role=role)
    return key, raw


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Actor) -> ApiKey:
    """From now on the key is refused. Revoking twice keeps the first time."""
    _demand_above(key.workspace, actor, key.role)
    changed = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    key.refresh_from_db()
    if changed:
        audit.record(key.workspace, actor, "revoked", key)
    return key


def api_keys(workspace: Workspace) -> QuerySet[ApiKey]:
    """Those that work, newest first, then the revoked ones."""
    keys = ApiKey.objects.filter(workspace=workspace).select_related("created_by")
    return keys.order_by(F("revoked_at").desc(nulls_first=True), "-created_at")
