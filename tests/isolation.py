"""Whether submissions can be isolated here, for the tests that need it."""

import os

import pytest

from instructor.sandbox import room


def required_sandbox() -> None:
    """Skip with the reason where nothing can be isolated; fail there if LAB_SANDBOX=required."""
    try:
        room.require()
    except room.SandboxError as error:
        if os.environ.get("LAB_SANDBOX") == "required":
            pytest.fail(f"LAB_SANDBOX=required, but {error}")
        pytest.skip(str(error))
