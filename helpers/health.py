"""One line that says whether this computer is ready for the lab."""

from __future__ import annotations

from .config import PlaygroundConfig
from .french import typographic
from .training import train

# Test loss after ten epochs, as the original engine has it (one of the conformance runs).
REFERENCE = PlaygroundConfig(
    dataset="xor", noise=35, activation="relu", network_shape=(2,), regularization="L2", learning_rate=0.01
)
REFERENCE_LOSS = 0.4094019385801721


def report() -> str:
    """Train the reference experiment and return a French line: ready, or what to do."""
    loss = train(REFERENCE, 10).test_loss[0, -1]
    if abs(loss - REFERENCE_LOSS) < 1e-9:
        return typographic(
            "✓ Tout est prêt : l'entraînement d'essai donne les mêmes chiffres que le Playground."
        )
    return typographic(
        f"✗ L'entraînement d'essai donne {loss:.4f} au lieu de {REFERENCE_LOSS:.4f} : vos mesures "
        "s'écarteront de celles du site. Redémarrez le noyau ; si cela persiste, prévenez votre enseignant."
    )
