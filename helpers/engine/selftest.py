"""Whether this computer is ready for the lab, in one line: that of a notebook's first cell."""

import warnings

import tensorflow as tf

from ..french import decimal, typographic
from .compiled import Program
from .config import PlaygroundConfig
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
        f"✗ L'entraînement d'essai donne {decimal(loss, 6)} au lieu de {decimal(REFERENCE_LOSS, 6)} : vos "
        "mesures s'écarteront de celles du site. Redémarrez le noyau ; si cela persiste, prévenez votre "
        "enseignant."
    )


def engine() -> list[str]:
    """Return the lines of ``python -m helpers`` that take TensorFlow: digits, XLA, GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that XLA is missing is said below
        lines = [report().replace("Tout est prêt", "TensorFlow")]
    if Program.has_xla:
        lines.append("✓ XLA : l'entraînement est compilé.")
    else:
        lines.append("– XLA : absent ; l'entraînement donne les mêmes résultats, plus lentement.")
    if gpus := tf.config.list_physical_devices("GPU"):
        names = (tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus)
        lines.append(f"✓ GPU : {', '.join(names)} ; seule la partie 4 s'en sert.")
    else:
        lines.append("– GPU : aucun ; seule la partie 4 s'en servirait.")
    return [typographic(line) for line in lines]
