"""Figures for the notebooks, each by one short call.

Colours are the Playground's orange and blue, which colour-blind readers tell apart; labels are French.
"""

from .data import data
from .figure import Picture
from .generalization import early_stopping, phase_diagram, roughness_and_loss, train_and_test, train_test_gaps
from .initialization import gallery, layer_signals, loss_between, parameter_paths, stability
from .learning import training_curves
from .network import input_weights, neurons
from .slider import ScaleSlider
from .starts import final_losses, loss_curves, success_rates, surfaces

__all__ = [
    "Picture",
    "ScaleSlider",
    "data",
    "early_stopping",
    "final_losses",
    "gallery",
    "input_weights",
    "layer_signals",
    "loss_between",
    "loss_curves",
    "neurons",
    "parameter_paths",
    "phase_diagram",
    "roughness_and_loss",
    "stability",
    "success_rates",
    "surfaces",
    "train_and_test",
    "train_test_gaps",
    "training_curves",
]
