"""PlaygroundConfig: reading and writing the site's addresses, validation, repr."""

import pytest

from helpers import PlaygroundConfig


def test_missing_and_empty_keys_keep_the_site_s_defaults():
    config = PlaygroundConfig.from_url("#dataset=gauss&learningRate=&noise= ")
    assert config == PlaygroundConfig(dataset="gauss")
    assert (config.activation, config.network_shape, config.learning_rate) == ("tanh", (4, 2), 0.03)


def test_site_s_own_reading_rules():
    read = PlaygroundConfig.from_url
    assert read("#networkShape=").network_shape == ()
    assert read("#x=true&y=true&sinX=true&x_hide=true").features == ("y", "sinX")
    assert read("#x=true&x_hide=false").features == ("x", "y")
    assert read("#discretize=1").discretize is True
    assert read("#discretize=TRUE").discretize is True
    assert read("#seed=0.10000").seed == "0.10000"
    assert read("#noise=80").noise == 80
    assert read("#noise=5&noise=10&someday=soon&tutorial=dropout").noise == 10
    assert read("#learningRate=1e-5").learning_rate == 0.00001


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("bonjour", "adresse du Playground"),
        ("", "adresse du Playground"),
        ("https://example.org/page?x=1", "adresse du Playground"),
        ("https://example.org/#title=1", "adresse du Playground"),
        (42, "int"),
        (["#x=true"], "list"),
        (None, "NoneType"),
        ("#activation=swish", "activation = 'swish'"),
        ("#dataset=moons", "dataset = 'moons'"),
        ("#learningRate=0.02", "learningRate = 0.02"),
        ("#learningRate=fast", "learningRate = 'fast'"),
        ("#learningRate=nan", "learningRate = 'nan'"),
        ("#noise=81", "noise = 81"),
        ("#noise=2.5", "noise = 2.5"),
        ("#batchSize=0", "batchSize = 0"),
        ("#batchSize=inf", "batchSize = 'inf'"),
        ("#percTrainData=55", "percTrainData = 55"),
        ("#networkShape=40", "networkShape = (40,)"),
        ("#networkShape=1,1,1,1,1,1,1", "7 couches"),
        ("#networkShape=4,,2", "networkShape = ''"),
        ("#networkShape=0", "networkShape = (0,)"),
        ("#epochs=-1", "epochs = -1"),
        ("#resets=1.5", "resets = 1.5"),
        ("#discretize=anything", "il faut true ou false"),
    ],
)
def test_bad_address_is_named_in_one_sentence(address, named):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the message is asserted below
        PlaygroundConfig.from_url(address)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


BAD = {
    "learningRate": ("learning_rate", [True]),
    "noise": ("noise", [float("nan"), None]),
    "discretize": ("discretize", ["false"]),
    "seed": ("seed", [0.5, "a&b", "", "0.5.", "0.5abc", "été"]),
    "hidden": ("hidden", ["noise", ("z",)]),
    "networkShape": ("network_shape", ["42", 3, [2.5]]),
    "features": ("features", ["x", ["x", "z"], 1]),
    "epochs": ("epochs", [10.5]),
}


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [(key, field, value) for key, (field, values) in BAD.items() for value in values],
)
def test_bad_field_is_refused(key, field, value):
    with pytest.raises(ValueError, match=key):
        PlaygroundConfig(**{field: value})
