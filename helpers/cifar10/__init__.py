"""CIFAR-10 for Part 4. Read dataset, demonstration, architecture, record, then evaluation."""

from .architecture import PARAMETERS, differences, read_model
from .dataset import CLASSES, Cifar10, DataUnavailable, load_cifar10

__all__ = [
    "CLASSES",
    "PARAMETERS",
    "Cifar10",
    "DataUnavailable",
    "differences",
    "load_cifar10",
    "read_model",
]
