"""CIFAR-10 for Part 4. Read dataset, demonstration, architecture, record, then evaluation."""

from .architecture import PARAMETERS, differences, read_model
from .dataset import CLASSES, Cifar10, DataUnavailable, load_cifar10
from .evaluation import Comparison, Evaluation, compare, evaluate, suspicion

__all__ = [
    "CLASSES",
    "PARAMETERS",
    "Cifar10",
    "Comparison",
    "DataUnavailable",
    "Evaluation",
    "compare",
    "differences",
    "evaluate",
    "load_cifar10",
    "read_model",
    "suspicion",
]
