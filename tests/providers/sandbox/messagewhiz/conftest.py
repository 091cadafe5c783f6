import pytest

from tests.providers.sandbox.messagewhiz.support import Whiz
from tests.sandbox_process import SandboxProcess


@pytest.fixture
def whiz(sandbox: SandboxProcess) -> Whiz:
    return Whiz(sandbox)
