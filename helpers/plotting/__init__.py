"""Figures for the notebooks, each by one short call.

Colours are the Playground's orange and blue, which colour-blind readers tell apart; labels are French.
"""

from .figure import Picture
from .starts import final_losses, loss_curves, success_rates, surfaces

__all__ = ["Picture", "final_losses", "loss_curves", "success_rates", "surfaces"]
