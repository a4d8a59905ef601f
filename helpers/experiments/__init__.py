"""What many trainings tell: families of shapes, other initial weights, roughness, early stopping, sweeps."""

from .families import families
from .generalization import noise_floor, roughness, stop_early
from .inputs import frozen_losses, input_effects
from .sweep import sweep
from .weights import nearly_equal, segment_losses, train_nearly_equal, train_scaled
