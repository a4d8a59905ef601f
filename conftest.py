"""Settings for `pytest --nbval` from the root: quiet, repeatable kernels and strict comparison."""

import os
import re
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent

# Set here because the notebooks' kernels inherit the environment.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its rounding depends on the processor
os.environ.setdefault("PYTHONHASHSEED", "0")
os.environ.setdefault("LAB_CIFAR10_DEMO", "1000")  # Part 4 without network: made-up images, few of them
os.environ["LAB_RECORDS"] = tempfile.mkdtemp(prefix="lab-records-")  # trainings of one run are no other's
# What XLA has compiled once, other workers, kernels and subprocesses read; the first process removes it.
if "TF_XLA_FLAGS" not in os.environ:
    _programs = tempfile.TemporaryDirectory(prefix="lab-programs-")
    os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={_programs.name}"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

LONGEST = (
    "part3",
    "tests/edition",
    "part",
    "tests/test_cifar10_record.py",
    "tests/test_marking.py",
    "tests/test_playground.py",
    "tests/test_conformance.py",
    "tests/test_part",
    "tests/test_sandbox.py",
)

# The source notebooks hold solutions; tests/edition runs them.
collect_ignore = ["instructor", "test-artifacts"]


def pytest_configure(config):
    # Whatever kernel a notebook names, test this environment, unless one is asked for (tests/hosts/arm.sh).
    if not config.getoption("nbval_kernel_name", None):
        config.option.nbval_current_env = True
        config.option.nbval_cell_timeout = 300  # seconds
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "nbval.cfg")


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: [not item.nodeid.startswith(start) for start in LONGEST])


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config, log):
    """Give a worker all that shares a kernel or an execution: a notebook's cells, the tests of an edition.

    Its own ``--dist loadgroup`` would do, but renames tests in a way that pytest 9.2 no longer knows.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415  (only where it is installed)

    class ByNotebook(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file, _, test = nodeid.partition("::")
            return file, *re.findall(r"\[(part\d\w*)", test)

    config.option.loadscopereorder = False  # it would begin with the files of most tests
    return ByNotebook(config, log)


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):  # a notebook: warnings of libraries may come and go
        collector.skip_compare += ("stderr",)
