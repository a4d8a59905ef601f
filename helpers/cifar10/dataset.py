"""The CIFAR-10 images: what they are, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CLASSES = ("avion", "voiture", "oiseau", "chat", "cerf", "chien", "grenouille", "cheval", "bateau", "camion")


@dataclass(frozen=True, repr=False, eq=False)
class Cifar10:
    """Training and test images with labels; unpacks like the result of ``keras.datasets.cifar10.load_data``.

    Source: Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images.

    Attributes:
        x_train: (n, 32, 32, 3) uint8, red, green, blue in 0..255; n is 50,000 in the full set.
        y_train: (n, 1) uint8, indices in ``CLASSES``.
        x_test: (m, 32, 32, 3) uint8; m is 10,000 in the full set.
        y_test: (m, 1) uint8.
        demo: True for made-up images, on which no result means anything for CIFAR-10.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    demo: bool = False

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Allow ``(x_train, y_train), (x_test, y_test) = data``."""
        yield self.x_train, self.y_train
        yield self.x_test, self.y_test

    @property
    def name(self) -> str:
        """What results on these images are filed under, such as "cifar10-50000" or "demonstration-2000"."""
        return f"{'demonstration' if self.demo else 'cifar10'}-{len(self.x_train)}"
