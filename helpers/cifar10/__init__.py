"""CIFAR-10 for Part 4. Read dataset, demonstration, architecture, record, then evaluation."""

from .architecture import PARAMETERS, differences, read_model
from .dataset import CLASSES, Cifar10

__all__ = ["CLASSES", "PARAMETERS", "Cifar10", "differences", "read_model"]
