"""A slider on the scale of the initial weights, with the signals and gradients that it gives."""

import html

import ipywidgets as widgets

from ..engine.config import PlaygroundConfig
from ..engine.training import Starts, start_numbers
from ..notebook.running_cell import close_previous
from ..notebook.shown import close_tree, widget_bundle
from .initialization import layer_signals

LOWEST, HIGHEST = -2, 0.4771213  # powers of ten: 0.01 to 3


class ScaleSlider:
    """Histograms of each layer's answers and gradients before training, for the scale that a slider sets.

    Scales go from 0.01 to 3. Where no page shows the slider, the cell shows the histograms of the first one.

    Attributes:
        picture: the ``Picture`` shown.
        slider: the widget whose ``value`` is the scale.
    """

    def __init__(self, config: PlaygroundConfig, starts: Starts, scale: float = 1):
        close_previous(self)
        self._config, self._starts = config, start_numbers(starts)
        self.slider = widgets.FloatLogSlider(
            value=scale,
            base=10,
            min=LOWEST,
            max=HIGHEST,
            step=0.01,
            readout_format=".2f",
            description="Échelle des poids initiaux",
            continuous_update=False,  # a drawing takes a fifth of a second
            style={"description_width": "initial"},
            layout={"width": "min(40em, 98%)"},
        )
        self._image = widgets.Image(format="png", layout={"width": "840px", "max_width": "100%"})
        self._caption = widgets.HTML()
        self._widget = widgets.VBox([self.slider, self._image, self._caption])
        self.slider.observe(self._draw, "value")
        self._draw()

    def close(self):
        """Close the widgets: the page keeps their last state."""
        close_tree(self._widget)

    def _draw(self, _=None):
        self.picture = layer_signals(self._config, [self.slider.value], self._starts)
        self._image.value = self.picture._repr_png_()[0]
        self._caption.value = html.escape(repr(self.picture))

    def __repr__(self):
        return repr(self.picture)

    def _repr_mimebundle_(self, **_):
        png, size = self.picture._repr_png_()
        return {**widget_bundle(self._widget, repr(self)), "image/png": png}, {"image/png": size}
