"""Experiments that show one thing each, on data of which no question of the lab speaks."""

from typing import NamedTuple

from ..engine.config import FEATURES, PlaygroundConfig


class Example(NamedTuple):
    name: str
    sentence: str
    config: PlaygroundConfig


EXAMPLES = (
    Example(
        "Des neurones ReLU morts",
        "Avec un taux aussi grand, les quatre neurones finissent par répondre 0 à tous les points (cliquez "
        "sur l'un d'eux) : leur pente est nulle, et plus rien ne peut les ranimer.",
        PlaygroundConfig(activation="relu", network_shape=(4,), learning_rate=3, resets=1),
    ),
    Example(
        "Un taux d'apprentissage trop grand",
        "Chaque pas va trop loin, et la perte monte au lieu de descendre ; à 0,03, ce réseau trouve le plan "
        "en quelques époques.",
        PlaygroundConfig(problem="regression", activation="linear", network_shape=(4,), learning_rate=1),
    ),
    Example(
        "Le surapprentissage",
        "Cinquante points bruités pour un grand réseau : la perte d'entraînement va vers 0, celle de test "
        "remonte peu après son minimum, marqué sur la courbe.",
        PlaygroundConfig(
            dataset="gauss", noise=35, perc_train_data=10, network_shape=(8, 8), learning_rate=0.1
        ),
    ),
    Example(
        "Le sous-apprentissage",
        "Un seul neurone pour six bosses : les deux pertes restent aussi hautes l'une que l'autre, et seuls "
        "des neurones de plus les font baisser.",
        PlaygroundConfig(problem="regression", reg_dataset="reg-gauss", network_shape=(1,)),
    ),
    Example(
        "L1 éteint des entrées",
        "Des sept entrées, L1 ne garde que X₁² et X₂², qui suffisent à un cercle : tous les poids des cinq "
        "autres deviennent exactement nuls.",
        PlaygroundConfig(
            features=FEATURES, network_shape=(2,), regularization="L1", regularization_rate=0.01
        ),
    ),
)
