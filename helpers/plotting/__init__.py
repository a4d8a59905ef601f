"""Figures for the notebooks, each by one short call.

Colours are the Playground's orange and blue, which colour-blind readers tell apart; labels are French.

Everywhere ``run`` is a trained run, ``start`` says which of its networks, ``runs`` are runs by French name,
``target`` is a test loss to reach, ``prediction=("1.a", value)`` is a question and the student's answer.
Until that question is answered the figure waits, as with ``after``: see ``waiting.waits``.
"""

from .figure import Picture
from .generalization import early_stopping, phase_diagram, roughness_and_loss, train_and_test, train_test_gaps
from .initialization import gallery, layer_signals, loss_between, parameter_paths, stability
from .learning import training_curves
from .network import input_weights, neurons
from .slider import ScaleSlider
from .starts import data, final_losses, loss_curves, success_rates, surfaces
