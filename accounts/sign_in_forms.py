"""allauth's forms in this project's words (ACCOUNT_FORMS)."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ReauthenticateForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
)
from django.utils.translation import gettext_lazy as _

from web.forms import TellsNoText


class SignInForm(TellsNoText, LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail address")
        # allauth puts the way to a new password in between; the page has it below, where the Tab key ends.
        self.fields["password"].help_text = ""
        if "remember" in self.fields:
            self.fields["remember"].label = _("Keep me signed in")


class ToldChangePasswordForm(TellsNoText, ChangePasswordForm):
    pass


class ToldSetPasswordForm(TellsNoText, SetPasswordForm):
    pass


class ToldResetPasswordForm(TellsNoText, ResetPasswordForm):
    pass


class ToldResetPasswordKeyForm(TellsNoText, ResetPasswordKeyForm):
    pass


class ToldReauthenticateForm(TellsNoText, ReauthenticateForm):
    pass
