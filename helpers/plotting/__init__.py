"""Figures for the notebooks, each by one short call.

Colours are the Playground's orange and blue, which colour-blind readers tell apart; labels are French.
"""

from .classification import (
    class_accuracies,
    confident_errors,
    confusion_matrix,
    feature_maps,
    first_filters,
    images,
    reliability,
)
from .figure import Picture
from .generalization import (
    early_stopping,
    phase_diagram,
    roughness_and_loss,
    train_and_test,
    train_test_gaps,
)
from .initialization import gallery, layer_signals, loss_between, parameter_paths, stability
from .inside import input_weights, neurons
from .learning import training_curves
from .slider import ScaleSlider
from .starts import final_losses, loss_curves, success_rates, surfaces

__all__ = [
    "Picture",
    "ScaleSlider",
    "class_accuracies",
    "confident_errors",
    "confusion_matrix",
    "early_stopping",
    "feature_maps",
    "final_losses",
    "first_filters",
    "gallery",
    "images",
    "input_weights",
    "layer_signals",
    "loss_between",
    "loss_curves",
    "neurons",
    "parameter_paths",
    "phase_diagram",
    "reliability",
    "roughness_and_loss",
    "stability",
    "success_rates",
    "surfaces",
    "train_and_test",
    "train_test_gaps",
    "training_curves",
]
