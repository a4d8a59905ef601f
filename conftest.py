"""Settings for `pytest --nbval` from the root: quiet, repeatable kernels and strict comparison."""

import os
from pathlib import Path

ROOT = Path(__file__).parent

# Set here because the notebooks' kernels inherit the environment.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # its rounding depends on the processor
os.environ.setdefault("PYTHONHASHSEED", "0")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))

# The source notebooks hold solutions; tests/test_editions.py runs them.
collect_ignore = ["instructor", "test-artifacts"]


def pytest_configure(config):
    config.option.nbval_current_env = True  # whatever kernel a notebook names, test this environment
    config.option.nbval_cell_timeout = 300  # seconds
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadfile"  # the cells of a notebook share a kernel


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):  # a notebook: warnings of libraries may come and go
        collector.skip_compare += ("stderr",)
