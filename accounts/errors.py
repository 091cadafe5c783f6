"""What accounts refuse, in words."""

from django.utils.functional import Promise


class AccountsError(Exception):
    """`sentence`: for people, what is wrong and how to mend it; `field`: the input it is about, or ""."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code


class AlreadySetUp(AccountsError):
    """There is a person already, so nobody else may make themselves owner of the installation."""


class InvitationNotValid(AccountsError):
    """The link was used, withdrawn or has run out, or never was one."""
