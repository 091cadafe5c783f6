"""What contacts refuses, in words."""

from django.utils.functional import Promise


class ContactsError(Exception):
    """`sentence` is for people: what is wrong and how to mend it. `field` names the input, "" for none."""

    def __init__(self, sentence: str | Promise, *, field: str = "", code: str = "invalid") -> None:
        super().__init__(str(sentence))
        self.sentence = sentence
        self.field = field
        self.code = code


class WrongState(ContactsError):
    """The request is sound, but what it is about is not in a state for it (409 at the API)."""

    def __init__(self, sentence: str | Promise, *, code: str = "wrong_state") -> None:
        super().__init__(sentence, code=code)


class FileRefused(ContactsError):
    """A file that cannot be read as a table, or not safely."""

    def __init__(self, sentence: str | Promise, *, code: str) -> None:
        super().__init__(sentence, field="file", code=code)
