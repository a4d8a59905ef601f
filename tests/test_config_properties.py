"""Round trips of PlaygroundConfig, for any configuration that the site allows."""

import pytest

from helpers import PlaygroundConfig
from helpers.engine import address
from helpers.engine import config as site

hypothesis = pytest.importorskip("hypothesis", reason="comes with instructor/requirements.txt")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

configs = st.builds(
    PlaygroundConfig,
    activation=st.sampled_from(site.ACTIVATIONS),
    regularization=st.sampled_from(site.REGULARIZATIONS),
    batch_size=st.integers(1, site.MAX_BATCH_SIZE),
    dataset=st.sampled_from(site.DATASETS),
    reg_dataset=st.sampled_from(site.REG_DATASETS),
    learning_rate=st.sampled_from(site.LEARNING_RATES),
    regularization_rate=st.sampled_from(site.REGULARIZATION_RATES),
    noise=st.integers(0, site.MAX_NOISE),
    network_shape=st.lists(st.integers(1, site.MAX_NEURONS), max_size=site.MAX_LAYERS),
    seed=st.from_regex(site.SEED, fullmatch=True),
    show_test_data=st.booleans(),
    discretize=st.booleans(),
    perc_train_data=st.sampled_from(site.TRAIN_PERCENTAGES),
    features=st.sets(st.sampled_from(site.FEATURES)),
    problem=st.sampled_from(site.PROBLEMS),
    init_zero=st.booleans(),
    epochs=st.integers(0, 10**9),
    resets=st.integers(0, 10**6),
    hidden=st.sets(st.sampled_from(address.CONTROLS)),
)


@given(configs)
def test_address_round_trip_is_exact(config):
    url = config.to_url()
    assert PlaygroundConfig.from_url(url) == config
    assert PlaygroundConfig.from_url(url.partition("#")[2]) == config
    assert PlaygroundConfig.from_url(url).to_url() == url


@given(configs)
def test_repr_is_python_code_for_the_same_configuration(config):
    assert eval(repr(config)) == config
