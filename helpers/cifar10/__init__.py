"""CIFAR-10 for Part 4. Read dataset, demonstration, architecture, record, then evaluation."""

from .dataset import CLASSES, Cifar10

__all__ = ["CLASSES", "Cifar10"]
