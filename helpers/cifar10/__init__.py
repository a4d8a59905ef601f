"""CIFAR-10 for Part 4. Read dataset, evaluation, architecture, pace, record, then plotting."""

from . import plotting
from .architecture import PARAMETERS, differences, oversights, read_model
from .dataset import CLASSES, Cifar10, DataUnavailable, find_cifar10, load_cifar10, loaded
from .evaluation import Evaluation, evaluate
from .pace import Pace, calibrate
from .record import RecordError, TrainingRecord, read_history

__all__ = [
    "CLASSES",
    "PARAMETERS",
    "Cifar10",
    "DataUnavailable",
    "Evaluation",
    "Pace",
    "RecordError",
    "TrainingRecord",
    "calibrate",
    "differences",
    "evaluate",
    "find_cifar10",
    "load_cifar10",
    "loaded",
    "oversights",
    "plotting",
    "read_history",
    "read_model",
]
