"""The instructor's remedy of Part 4: the lab's network on CIFAR-10, trained well in 30 epochs.

The notebook's solution is the same remedy, with the rescaling that its statement suggests and in float32. The
benchmark trains this one, ``python -m benchmarks.cifar10 --train``; what it reached is in README.md beside.
"""

import math

import keras
from keras import layers

EPOCHS, BATCH_SIZE = 30, 64


def build_model() -> keras.Sequential:
    """Build the lab's network: 1,191,170 parameters, images (n, 32, 32, 3) in 0..255 to (n, 10) shares."""
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Rescaling(1 / 64, offset=-1.9),  # mean 0 and deviation 1, about
            layers.Conv2D(32, 5, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(2, name="pool1"),
            layers.Conv2D(64, 5, padding="same", activation="relu", name="conv2"),
            layers.MaxPooling2D(2, name="pool2"),
            layers.Conv2D(64, 5, padding="same", activation="relu", name="conv3"),
            layers.MaxPooling2D(2, name="pool3"),
            layers.Flatten(),
            layers.Dense(1000, activation="relu", name="fc4"),
            # Probabilities need more digits than bfloat16 has.
            layers.Dense(10, activation="softmax", dtype="float32", name="fc5"),
        ]
    )


def remedy(images: int, epochs: int = EPOCHS, batch_size: int = BATCH_SIZE) -> keras.Sequential:
    """Build the lab's network with flips, shifts and dropout, compiled with AdamW and a one-cycle schedule.

    Sources: Srivastava et al. (2014) for dropout; Loshchilov and Hutter (2017, 2019) for the cosine schedule
    and AdamW.

    Args:
        images: how many images an epoch goes through; with the two others, it sets the schedule's length.
        epochs: how long the training will be.
        batch_size: images per step.
    """
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.RandomFlip("horizontal")])
    model.add(layers.RandomTranslation(0.125, 0.125, interpolation="nearest"))  # whole pixels stay sharp
    for layer in build_model().layers:
        model.add(layer)
        if layer.name.startswith("pool"):
            model.add(layers.Dropout(0.1))
        if layer.name == "fc4":
            model.add(layers.Dropout(0.5))
    steps = epochs * math.ceil(images / batch_size)
    warmup = steps * 15 // 100
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=1e-3, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.05)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
