"""The widget without a page: its controls' traits, its buttons' clicks, a page's echoes played by hand."""

import base64
import gc
import json
import re
import threading
import time
from datetime import UTC, datetime

import ipywidgets as widgets
import numpy as np
import pytest

from helpers import Playground, PlaygroundConfig, Run, train
from helpers.engine.compiled import CHUNK, Program
from helpers.engine.config import FEATURES
from helpers.engine.data import load_data
from helpers.engine.training import _get_program
from helpers.french import read_decimal
from helpers.notebook import running_cell
from helpers.playground import app as app_module
from helpers.playground.clock import FRAMES, INTERRUPTED, Clock
from helpers.playground.examples import EXAMPLES
from helpers.playground.panels import Panel
from helpers.playground.session import Session
from helpers.playground.style import loss_text

PART1 = "#activation=relu&dataset=xor&noise=35&networkShape=3&seed=0.50819&learningRate=0.03"


@pytest.fixture
def app():
    made = Playground(PART1)
    yield made
    made.close()


def tree(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from tree(child)


def part(app, name):
    """The one part that the style sheet calls so."""
    (found,) = (w for w in tree(app.widget) if f"dlp-{name}" in getattr(w, "_dom_classes", ()))
    return found


def control(app, label):
    """The one control or button whose name is, or begins with, what a student would call it."""
    names = {w: {getattr(w, "description", None), getattr(w, "tooltip", None)} for w in tree(app.widget)}
    found = [w for w in names if label in names[w]]
    found = found or [w for w in names if any((name or "").startswith(label) for name in names[w])]
    assert len(found) == 1, f"{label}: {found}"
    return found[0]


def click(app, name):
    made = control(app, name)
    assert not made.disabled
    made.click()


def texts(app):
    return " ".join(w.value for w in tree(app.widget) if isinstance(w, widgets.HTML))


def message(app):
    return part(app, "message").value


def surface_and_points(app):
    """The two pictures of the output, one over the other."""
    return [w.value for w in tree(part(app, "surface")) if isinstance(w, widgets.Image)]


def echo(app, times=1):
    """Do what a page does: acknowledge the counter."""
    sent, acknowledged = counters(app)
    for _ in range(times):
        acknowledged.value = sent.value


def counters(app):
    """What the page acknowledges, and the last that it has."""
    return [w for w in tree(app.widget) if type(w) is widgets.IntText]


def play(app, times=1):
    echo(app)  # the page appears
    click(app, "Lecture")
    echo(app, times)


# Playing


def test_nothing_plays_without_a_page(app):
    click(app, "Lecture")
    assert app.playing
    assert app.config.epochs == 0


def test_plays_exactly_the_engines_run(app):
    play(app, 4)
    click(app, "Pause")
    epochs = app.config.epochs
    assert epochs > 4
    echo(app, 3)
    assert app.config.epochs == epochs
    expected = train(app.config, epochs)
    np.testing.assert_array_equal(app.run.test_loss, expected.test_loss)
    assert f"{expected.test_loss[0, -1]:.3f}".replace(".", ",") in texts(app)


@pytest.fixture
def clock():
    """A clock alone, which notes its frames and what it says when it stops."""
    frames, said = [], []
    made = Clock(lambda: frames.append(1), said.append, lambda: None, threading.RLock())
    made.frames, made.said = frames, said
    yield made
    made.close()


def answer(clock):
    sent, acknowledged = clock.widgets
    acknowledged.value = sent.value


def test_a_page_that_does_not_answer_gets_two_bursts_at_most(clock):
    clock.play()
    answer(clock)
    assert len(clock.frames) == 2 * FRAMES
    clock.widgets[1].value += 1  # the page has shown one of the two
    assert len(clock.frames) == 3 * FRAMES
    clock.widgets[1].value -= 1  # an old answer frees nothing
    assert len(clock.frames) == 3 * FRAMES


def test_every_burst_sends_the_counter_after_the_pictures(app):
    order = []
    sent, _ = counters(app)
    network = next(w for w in tree(part(app, "network")) if isinstance(w, widgets.Image))
    sent.observe(lambda _: order.append("counter"), "value")
    network.observe(lambda _: order.append("picture"), "value")
    play(app)
    assert order[0] == "counter"  # play itself asks for the first answer
    assert order[1:].count("counter") == 2
    assert order[-1] == "counter"


def test_pause_needs_no_lock_and_ends_the_burst():
    shown = []

    def frame():
        shown.append(1)
        other = threading.Thread(target=clock.pause)
        other.start()
        other.join(timeout=5)
        assert not other.is_alive()

    clock = Clock(frame, pytest.fail, lambda: None, threading.RLock())
    clock.play()
    answer(clock)
    assert len(shown) == 1
    assert not clock.playing


@pytest.mark.parametrize(
    ("error", "words"),
    [(RuntimeError("plus de mémoire"), "plus de mémoire"), (KeyboardInterrupt(), INTERRUPTED)],
)
def test_an_error_or_an_interrupt_stops_with_a_message_and_it_plays_again(app, monkeypatch, error, words):
    def fail(*_):
        raise error

    monkeypatch.setattr(Session, "train", fail)
    play(app)
    assert not app.playing
    assert words in texts(app)
    assert control(app, "Lecture")
    monkeypatch.undo()
    click(app, "Lecture")
    echo(app)
    assert app.config.epochs > 0


def test_an_interrupt_heard_elsewhere_stops_at_the_next_answer(clock):
    """With ipykernel 7 the widget may compute on a thread that no interrupt reaches."""
    clock.play()
    answer(clock)
    clock.interrupt()
    assert not clock.playing
    answer(clock)
    assert clock.said == [INTERRUPTED]
    clock.play()
    clock.pause()
    clock.interrupt()  # of something else
    answer(clock)
    assert clock.said == [INTERRUPTED]


def test_a_lost_answer_is_asked_for_again(app, monkeypatch):
    play(app)
    monkeypatch.setattr("helpers.playground.clock.STALLED_SECONDS", -1)  # nothing has come for long
    epochs = app.config.epochs
    click(app, "Pause")  # what the student sees and presses
    assert app.playing
    echo(app)
    assert app.config.epochs > epochs


def test_a_page_that_never_answers_gets_a_visible_clock(app, monkeypatch):
    app._clock._link.unlink()
    spare = next(w for w in tree(app.widget) if isinstance(w, widgets.Play))
    click(app, "Lecture")
    monkeypatch.setattr("helpers.playground.clock.SILENT_SECONDS", -1)
    assert spare.layout.display == "none"
    click(app, "Pause")  # the button that the student sees
    assert spare.layout.display is None
    assert "horloge de secours" in message(app)
    assert app.playing
    spare.value += 1
    epochs = app.config.epochs
    assert epochs > 0
    spare.value += 1
    assert app.config.epochs > epochs
    click(app, "Pause")
    epochs = app.config.epochs
    spare.value += 1
    assert app.config.epochs == epochs
    echo(app)  # it answers after all
    assert spare.layout.display == "none"


def compiled_ahead(app, monkeypatch, action):
    """The experiments compiled on other threads because of an action, in order."""

    def wait():
        for thread in threading.enumerate():
            if thread.name == app_module.COMPILING:
                thread.join()

    wait()  # for those of other tests
    compiled = []
    monkeypatch.setattr("helpers.playground.app.Run.compile", lambda run: compiled.append(run.config))
    action()
    wait()
    return compiled


def test_what_play_needs_is_compiled_when_a_page_appears_and_after_each_change(app, monkeypatch):
    assert compiled_ahead(app, monkeypatch, app.add_layer) == []  # nobody sees it
    assert compiled_ahead(app, monkeypatch, lambda: echo(app))[0].network_shape == (3, 2)
    app._clock.widgets[0].value += 1
    assert compiled_ahead(app, monkeypatch, lambda: echo(app)) == []
    assert compiled_ahead(app, monkeypatch, app.add_layer)[0].network_shape == (3, 2, 2)
    assert compiled_ahead(app, monkeypatch, lambda: app.change(discretize=True)) == []
    assert app.config.epochs == 0


@pytest.mark.parametrize("shape", [(), (4,), (4, 2), (8,) * 6])
@pytest.mark.parametrize("features", [FEATURES[:2], FEATURES[:4], FEATURES[:5]])
def test_no_next_change_waits_for_a_program(shape, features, app, monkeypatch):
    config = PlaygroundConfig(network_shape=shape, features=features)
    compiled_ahead(app, monkeypatch, lambda: echo(app))
    ahead = compiled_ahead(app, monkeypatch, lambda: app.load(config))
    programs = {_get_program(config, 1, "float64") for config in ahead}
    assert len(programs) <= 6
    changes = [{"batch_size": size} for size in range(1, 31)]
    changes += [{"perc_train_data": share} for share in range(10, 100, 10)]
    changes += [{"features": tuple(set(features) ^ {name})} for name in FEATURES]
    changes += [
        {"network_shape": (*shape[:place], shape[place] + change, *shape[place + 1 :])}
        for place in range(len(shape))
        for change in (-1, 1)
        if 0 < shape[place] + change < 9
    ]
    changes += [{"network_shape": (*shape, 2)[:6]}, {"network_shape": shape[:-1]}, {"problem": "regression"}]
    for change in changes:
        assert _get_program(config.replace(**change), 1, "float64") in programs, change


def test_play_does_not_wait_for_what_others_may_need(app, monkeypatch):
    app.step()  # what it needs is there
    released = threading.Event()
    monkeypatch.setattr("helpers.playground.app.Run.compile", lambda run: released.wait(60))
    play(app)
    assert not released.is_set()
    assert app.config.epochs > 1
    released.set()


def test_rates_change_while_it_plays_without_compiling(app):
    play(app, 2)
    before = Program.compiled
    control(app, "Taux d'apprentissage").value = 0.1
    control(app, "Taux de régularisation").value = 0.003
    assert app.playing
    assert app.config.epochs > 0
    assert Program.compiled == before
    assert app.run.learning_rate == 0.1
    echo(app)
    click(app, "Pause")
    assert not app.journal[0].replayable
    assert "Réglages changés en cours de route" in texts(app)


def test_a_rate_changed_before_training_or_not_in_use_stays_replayable(app):
    control(app, "Taux d'apprentissage").value = 0.1
    click(app, "Avancer d'une époque")
    control(app, "Taux de régularisation").value = 0.1  # there is no regularization
    assert "000\u202f001" in texts(app)
    (trial,) = app.journal
    assert trial.replayable
    np.testing.assert_array_equal(app.run.test_loss, train(app.config, 1).test_loss)


DIVERGING = "#activation=linear&regDataset=reg-plane&problem=regression&learningRate=10&networkShape=4,4"


def edit_too_far(app):
    app.load(DIVERGING)
    click(app, "Neurone de sortie : voir et modifier ses poids")
    control(app, "Poids du nº\u00a01").value = "-1e38"


def train_starts(app):
    app.load(DIVERGING)
    control(app, "Seize départs").value = True
    click(app, "Entraîner seize départs")


@pytest.mark.parametrize(
    "lead",
    [
        lambda app: (app.load(DIVERGING), play(app, 8)),
        lambda app: (app.load(DIVERGING), [click(app, "Avancer d'une époque") for _ in range(20)]),
        lambda app: app.load(f"{DIVERGING}&epochs=50"),
        edit_too_far,
        train_starts,
    ],
    ids=["play", "step", "address", "edit", "starts"],
)
def test_divergence_is_said_whatever_led_there(app, lead):
    lead(app)
    assert not app.playing
    assert "diverg" in message(app)
    assert "aux d'apprentissage" in message(app)
    assert "∞" in texts(app)
    if app.config.epochs:
        assert not np.isfinite(app.journal[-1].test_loss)
    click(app, "Départ suivant")
    assert message(app) == '<div role="status"></div>'


def test_a_rate_that_makes_it_worse_than_no_answer_is_named(app):
    app.change(learning_rate=10, activation="tanh")
    app.load(app.config.replace(epochs=30))
    assert "répondait 0 partout (0,500). Baissez le taux d'apprentissage (10)" in message(app)
    app.change(learning_rate=0.03)
    assert "Baissez" not in message(app)


# Controls


@pytest.mark.parametrize(
    ("label", "value", "field"),
    [
        ("Activation", "tanh", "activation"),
        ("Régularisation", "L1", "regularization"),
        ("Type de problème", "regression", "problem"),
        ("Points d'entraînement", 70, "perc_train_data"),
        ("Bruit", 20, "noise"),
        ("Taille des lots", 3, "batch_size"),
    ],
)
def test_choices_restart_at_the_urls_own_start_and_keep_the_seed(app, label, value, field):
    click(app, "Départ suivant")
    play(app)
    control(app, label).value = value
    assert not app.playing
    assert getattr(app.config, field) == value
    assert (app.config.epochs, app.config.resets, app.config.seed) == (0, 0, "0.50819")
    np.testing.assert_equal(app.run.parameters, train(app.config, 0).parameters)


def test_a_noise_that_is_not_the_sites_is_kept(app):
    for noise in (80, 33, 5):
        app.load(f"#dataset=spiral&noise={noise}&networkShape=3,2")
        assert control(app, "Bruit").value == app.config.noise == noise


def test_datasets_follow_the_problem(app):
    click(app, "Spirale")
    assert app.config.dataset == "spiral"
    assert control(app, "Plan").layout.display == "none"
    control(app, "Type de problème").value = "regression"
    assert control(app, "Plan (choisi)").layout.display is None
    click(app, "Bosses gaussiennes")
    assert app.config.data_name == "reg-gauss"


def test_features_switch_and_without_any_nothing_trains(app):
    click(app, "Ajouter l'entrée sin X₁")
    assert app.config.features == ("x", "y", "sinX")
    for name in ("X₁", "X₂", "sin X₁"):
        click(app, f"Retirer l'entrée {name}")
    assert app.config.features == ()
    assert "Aucune entrée n'est active" in texts(app)
    click(app, "Avancer d'une époque")
    play(app)
    assert app.config.epochs == 0
    assert not app.playing
    assert "Aucune entrée n'est active" in texts(app)
    click(app, "Ajouter l'entrée sin X₁")
    assert "Aucune entrée" not in texts(app)
    click(app, "Avancer d'une époque")
    assert app.config.features == ("sinX",)
    assert app.config.epochs == 1


@pytest.mark.parametrize("shape", ["", "4,2"])
def test_an_address_without_inputs_opens_as_on_the_site(shape):
    app = Playground(f"#x=false&y=false&networkShape={shape}&epochs=5")
    assert "Aucune entrée n'est active" in texts(app)
    assert app.config.epochs == 0
    assert app._repr_mimebundle_()["image/png"]
    for drawer in ("Seize départs", "Code Keras", "Journal des essais"):
        control(app, drawer).value = True
    click(app, "Entraîner seize départs")
    assert "Aucune entrée n'est active" in texts(app)
    app.close()


HIDABLE = {
    "playButton": "Lecture",
    "stepButton": "Avancer d'une époque",
    "resetButton": "Départ suivant",
    "learningRate": "Taux d'apprentissage",
    "activation": "Activation",
    "regularization": "Régularisation",
    "regularizationRate": "Taux de régularisation",
    "problem": "Type de problème",
    "percTrainData": "Points d'entraînement",
    "noise": "Bruit",
    "batchSize": "Taille des lots",
    "numHiddenLayers": "Ajouter une couche cachée",
    "sinX": "Ajouter l'entrée sin X₁",
    "showTestData": "Afficher les points de test",
    "discretize": "Discrétiser la sortie",
}


def test_an_address_hides_controls_as_on_the_site(app):
    def shown():
        return {key for key, name in HIDABLE.items() if control(app, name).layout.display != "none"}

    assert shown() == set(HIDABLE)
    app.load(PART1 + "&dataset_hide=true&learningRate_hide=true")
    assert shown() == set(HIDABLE) - {"learningRate"}
    assert part(app, "choices").layout.display == "none"
    click(app, "Avancer d'une époque")
    assert "&learningRate_hide=true" in app.url
    app.load("#" + "&".join(f"{key}_hide=true" for key in HIDABLE))
    assert shown() == set()
    app.load(PART1)
    assert shown() == set(HIDABLE)


def test_layers_and_neurons_grow_and_shrink_within_bounds(app):
    for _ in range(5):
        click(app, "Ajouter une couche cachée")
    assert app.config.network_shape == (3, 2, 2, 2, 2, 2)
    assert control(app, "Ajouter une couche cachée").disabled
    for _ in range(5):
        click(app, "Ajouter un neurone à la couche 1")
    assert control(app, "Ajouter un neurone à la couche 1").disabled
    click(app, "Retirer un neurone de la couche 6")
    assert app.config.network_shape == (8, 2, 2, 2, 2, 1)
    assert control(app, "Retirer un neurone de la couche 6").disabled
    for _ in range(6):
        click(app, "Retirer une couche cachée")
    assert app.config.network_shape == ()
    assert control(app, "Retirer une couche cachée").disabled
    play(app)
    assert app.config.epochs > 0


def test_reset_goes_to_the_next_start_and_keeps_the_points(app):
    play(app)
    click(app, "Départ suivant")
    assert not app.playing
    assert (app.config.epochs, app.config.resets) == (0, 1)
    wanted = train(app.config, 0, starts=(1,)).parameters
    np.testing.assert_array_equal(app.run.parameters[0][0], wanted[0][0])


def test_regenerate_draws_a_seed_as_the_site_writes_it(app):
    before = surface_and_points(app)[1]
    click(app, "Autres points")
    assert f"Autre graine, {app.config.seed}" in message(app)
    assert "graine 0.50819" in message(app)
    assert app.config.seed != "0.50819"
    assert len(app.config.seed.partition(".")[2]) == 5
    assert surface_and_points(app)[1] != before
    assert app.config.seed in texts(app)


def test_appearance_changes_without_restarting(app):
    play(app)
    epochs, (surface, points) = app.config.epochs, surface_and_points(app)
    control(app, "Afficher les points de test").value = True
    control(app, "Discrétiser la sortie").value = True
    assert app.playing
    assert app.config.epochs == epochs
    assert surface_and_points(app)[0] != surface
    assert surface_and_points(app)[1] != points
    assert "showTestData=true" in app.url


# Looking at a neuron and editing it


def number(app, label):
    """The number that a field shows."""
    return read_decimal(control(app, label).value)


def test_selecting_a_neuron_shows_its_surface_and_its_numbers(app):
    output = surface_and_points(app)[0]
    click(app, "Neurone 2 de la couche 1 : voir sa surface et ses poids")
    assert surface_and_points(app)[0] != output
    weights, biases = app.run.parameters[0]
    assert number(app, "Biais") == pytest.approx(biases[0, 1], abs=1e-5)
    assert number(app, "Poids de X₂") == pytest.approx(weights[0, 1, 1], abs=1e-5)
    assert "Neurone 2, couche 1" in texts(app)
    click(app, "Neurone 2 de la couche 1 : voir sa surface et ses poids")
    assert surface_and_points(app)[0] == output


def test_editing_a_weight_changes_the_network_and_its_losses(app):
    click(app, "Neurone de sortie : voir et modifier ses poids")
    before = app.run.parameters
    control(app, "Poids du nº\u00a03").value = "2,5"
    after = app.run.parameters
    assert after[1][0][0, 2, 0] == 2.5
    np.testing.assert_array_equal(after[0][0], before[0][0])
    untouched = f"Perte de test {loss_text(app.run.test_loss[0, 0])}"
    assert untouched not in texts(app)
    click(app, "Avancer d'une époque")
    assert not app.journal[0].replayable
    click(app, "Annuler le dernier changement")
    np.testing.assert_array_equal(app.run.parameters[1][0], before[1][0])


def test_a_bias_is_edited_and_numbers_cannot_be_while_it_plays(app):
    click(app, "Neurone 1 de la couche 1 : voir sa surface et ses poids")
    for typed in ("-1,5", "-1.5", " −1,5 "):
        control(app, "Biais").value = "0"
        control(app, "Biais").value = typed
        assert app.run.parameters[0][1][0, 0] == -1.5
        assert control(app, "Biais").value == "−1,5"
    for typed in ("", "bonjour", "inf", "1,2,3"):
        control(app, "Biais").value = typed
        assert "un nombre est attendu" in message(app)
        assert control(app, "Biais").value == "−1,5"
    play(app, 6)
    assert control(app, "Biais").disabled
    click(app, "Pause")
    assert not control(app, "Biais").disabled
    assert number(app, "Biais") == pytest.approx(app.run.parameters[0][1][0, 0], abs=1e-5)


def test_what_is_asked_of_a_part_that_has_just_gone_does_nothing(app):
    """The page may send a click or a number before it knows that the network has changed."""
    before = app.run.parameters
    app.resize_layer(5, 1)
    app.edit(0, 1.0)
    app.select((9, 9))
    assert app.selected is None
    app.select((0, 0))
    app.edit(9, 1.0)
    assert app.selected == (0, 0)
    np.testing.assert_equal(app.run.parameters, before)


def test_a_neuron_may_go_while_another_thread_edits_it(app, monkeypatch):
    """ipykernel 7 handles what a page sends on threads of their own."""
    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    app.select((0, 2))
    editing = threading.Thread(target=app.edit, args=(0, 1.0))
    with app._lock:
        editing.start()
        time.sleep(0.1)  # it waits for the lock
        app.load(PART1.replace("networkShape=3", "networkShape=1"))
    editing.join()
    assert raised == []
    assert app.selected is None


# Undo, journal, starts, address, code


def test_undo_brings_back_the_trained_run_level_by_level(app):
    play(app, 2)
    click(app, "Pause")
    trained = app.run.test_loss
    click(app, "Spirale")
    click(app, "Ajouter une couche cachée")
    click(app, "Annuler le dernier changement")
    assert (app.config.dataset, app.config.network_shape) == ("spiral", (3,))
    click(app, "Annuler le dernier changement")
    assert app.config.dataset == "xor"
    np.testing.assert_array_equal(app.run.test_loss, trained)
    assert control(app, "Annuler le dernier changement").disabled


def test_the_journal_keeps_each_trial_best_first(app):
    for _ in range(3):
        play(app, 3)
        click(app, "Pause")
        click(app, "Lecture")  # going on updates the same trial
        echo(app)
        click(app, "Départ suivant")
    trials = app.journal
    assert sorted(trial.config.resets for trial in trials) == [0, 1, 2]
    losses = [trial.test_loss for trial in trials]
    assert losses == sorted(losses)
    for trial in trials:
        replay = PlaygroundConfig.from_url(trial.url)
        assert replay.epochs > 0
        run = train(replay, replay.epochs, starts=(replay.resets,))
        assert run.test_loss[0, -1] == trial.test_loss
        assert run.train_loss[0, -1] == trial.train_loss


def test_a_trial_can_be_taken_up_again(app):
    play(app, 3)
    click(app, "Départ suivant")
    control(app, "Journal des essais").value = True
    trials = next(w for w in tree(app.widget) if isinstance(w, widgets.Select))
    assert len(trials.options) == 1
    best = app.journal[0]
    trials.value = 0
    click(app, "Reprendre l'essai choisi")
    assert app.config == best.config
    assert app.run.test_loss[0, -1] == best.test_loss
    assert app.journal == [best]
    click(app, "Avancer d'une époque")
    assert repr(app.journal).count("\n Trial(") == len(app.journal) - 1 == 1


def test_sixteen_starts_agree_with_the_engine_and_load(app):
    control(app, "Seize départs").value = True
    control(app, "Époques").value = 60
    click(app, "Entraîner seize départs")
    losses = train(app.config, 60, starts=16).test_loss[:, -1]
    target = control(app, "Réussi si la perte de test ≤")
    assert target.value == ""
    assert "sur 16" not in texts(app)
    target.value = f"{np.median(losses):.5f}".replace(".", ",")
    assert "8\u00a0départs sur 16" in texts(app)
    control(app, "Départ 5\u00a0:").click()
    assert (app.config.resets, app.config.epochs) == (5, 60)
    assert app.run.test_loss[0, -1] == pytest.approx(losses[5], rel=1e-9)


def test_sixteen_starts_that_take_long_are_cut_short_and_say_so(app, monkeypatch):
    monkeypatch.setattr("helpers.playground.drawers.AT_ONCE", 0)
    control(app, "Seize départs").value = True
    control(app, "Époques").value = CHUNK + 1
    click(app, "Entraîner seize départs")
    assert "avant l'époque demandée" in texts(app)
    assert f"après {CHUNK}\u00a0époques" in texts(app)


def test_the_address_is_shown_and_another_one_can_be_pasted(app):
    control(app, "Adresse").value = True
    shown = control(app, "Copier l'adresse")
    click(app, "Avancer d'une époque")
    assert shown.value == app.url
    assert "epochs=1" in shown.value
    assert f'href="{app.url.replace("&", "&amp;")}"' in texts(app)
    assert 'target="_blank"' in texts(app)
    shown.value = "effacé"  # it is there to be copied
    assert shown.value == app.url
    other = PlaygroundConfig(dataset="spiral", network_shape=(5,), features=FEATURES, epochs=3, resets=2)
    for pasted, config in (
        (other.to_url(), other),
        ("https://playground.tensorflow.org/", PlaygroundConfig()),
    ):
        control(app, "Coller une adresse").value = pasted
        click(app, "Ouvrir l'adresse collée")
        assert app.config == config
        assert app.run.test_loss[0, -1] == train(config, config.epochs, (config.resets,)).test_loss[0, -1]


def test_an_address_that_asks_for_very_much_is_cut_short_and_says_so(monkeypatch):
    monkeypatch.setattr("helpers.playground.session.AT_ONCE", 0.2)
    app = Playground(PART1 + "&epochs=1000000000")
    done = app.config.epochs
    assert 0 < done < 1_000_000_000
    assert f"les {done} premières sont faites" in texts(app)
    assert "1000000000 époques" in texts(app)
    app.load(PART1 + "&epochs=20")
    assert app.config.epochs == 20
    assert "époques" not in message(app)
    app.close()


@pytest.mark.parametrize("garbage", ["", "bonjour", "<b>x</b>", "#activation=magique", "#networkShape=99"])
def test_garbage_is_answered_in_french_and_changes_nothing(app, garbage):
    control(app, "Adresse").value = True
    before = app.config
    control(app, "Coller une adresse").value = garbage
    click(app, "Ouvrir l'adresse collée")
    assert app.config == before
    said = message(app)
    assert "il faut" in said or "n'est pas une adresse" in said or "acceptées" in said
    assert "<b>" not in said


def test_the_keras_code_follows_the_network(app):
    control(app, "Code Keras").value = True
    assert "Dense(3" in texts(app)
    click(app, "Ajouter un neurone à la couche 1")
    assert "Dense(4" in texts(app)


# As an object of the notebook


def test_it_shows_itself_without_a_widget_too(app):
    bundle = app._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == app.widget.model_id
    assert bundle["image/png"].startswith(b"\x89PNG")
    text = bundle["text/plain"]
    play(app)
    control(app, "Activation").value = "tanh"
    assert app._repr_mimebundle_()["text/plain"] == text
    assert eval(text).config == PlaygroundConfig.from_url(PART1)


def test_a_jupyter_page_gets_the_picture_as_an_output_of_its_own(app, monkeypatch):
    shown = []
    monkeypatch.setattr(app_module, "display", lambda data, **options: shown.append((data, options)))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    with pytest.raises(NotImplementedError):  # what sends IPython to the bundle
        app._ipython_display_()
    monkeypatch.setenv("JPY_SESSION_NAME", "part1.ipynb")
    app._ipython_display_()
    (still, options), (live, _) = shown
    assert still["image/png"].startswith(b"\x89PNG")
    assert f'img[width="{options["metadata"]["image/png"]["width"]}"]' in texts(app)
    assert set(live) == {"text/plain", "application/vnd.jupyter.widget-view+json"}


def test_a_snapshot_does_not_move(app):
    play(app)
    run, epochs = app.run, app.config.epochs
    echo(app, 3)
    assert run.epoch == epochs
    assert run.test_loss.shape == (1, epochs + 1)
    assert app.config.epochs > epochs


def test_a_notebook_may_set_the_target_and_is_told_in_french_what_it_may_not():
    app = Playground(PART1, target=0.2)
    assert control(app, "Réussi si la perte de test ≤").value == "0,2"
    app.close()
    for config, target in (("n'importe quoi", None), (3, None), (PART1, "0,2")):
        with pytest.raises(ValueError, match="il faut une perte" if target else "adresse du Playground"):
            Playground(config, target=target)


def test_running_the_cell_again_closes_the_old_widget(monkeypatch, capsys):
    running = {"cell": ("cell-1", "execution-1")}
    monkeypatch.setattr(running_cell, "current", lambda: running["cell"])
    first, twin = Playground(PART1), Playground(PART1)
    shown = first.widget, twin.widget
    play(first)
    sent, acknowledged = counters(first)
    running["cell"] = "cell-2", "execution-2"
    other = Playground(PART1)
    assert other.journal == []
    assert repr(other.journal).startswith("Journal vide\u00a0: aucun essai")
    assert first.playing
    running["cell"] = "cell-1", "execution-3"
    second = Playground(PART1)
    assert second.journal == []
    assert "exécutée de nouveau" in repr(second.journal)
    assert not capsys.readouterr().out
    assert not first.playing
    assert all(widget.comm is None for widget in shown)
    assert first.widget is twin.widget is None
    assert other.widget.comm is not None
    assert second.widget.comm is not None
    epochs = first.config.epochs
    first.play()
    acknowledged.value = sent.value + 5
    assert first.config.epochs == epochs  # no zombie


def test_a_deleted_cell_stops_playing(app):
    app.widget._view_count = 1
    play(app)
    app.widget._view_count = 0
    assert not app.playing


def test_many_changes_add_no_widgets(app):
    names = ("tanh", "relu")
    app.change(network_shape=(8,) * 6)
    app.change(network_shape=(3,))
    count = len(_living())
    for change in range(60):
        app.change(activation=names[change % 2])
        app.change(network_shape=(8,) * (1 + change % 3))
    assert len(_living()) == count


@pytest.mark.parametrize("is_looking", [True, False])
def test_closing_leaves_no_widget_behind(is_looking):
    before = len(_living())
    app = Playground(PART1)
    if is_looking:
        click(app, "Neurone 1 de la couche 1 : voir sa surface et ses poids")
    app.change(network_shape=(8, 8))
    app.change(network_shape=(1,))
    app.close()
    assert len(_living()) == before


def test_a_closed_widget_keeps_no_panel(app):
    """Jupyter keeps what a cell has shown: run again and again, it must weigh little."""
    app.close()
    gc.collect()
    assert [panel for panel in gc.get_objects() if isinstance(panel, Panel) and panel.app is app] == []


def test_a_closed_widget_can_still_be_read(app):
    play(app)
    before = app.url, app.journal
    app.close()
    assert (app.url, app.journal) == before
    assert set(app._repr_mimebundle_()) == {"text/plain", "image/png"}
    app.reset()  # a student's cell may still hold it
    assert app.config.resets == 1


def test_a_cell_run_again_sends_less_than_jupyter_keeps(monkeypatch):
    """ZeroMQ drops what exceeds 1,000 messages waiting for a busy server: controls that never appear."""
    sent, before = [], len(_living())
    monkeypatch.setattr(widgets.Widget, "send_state", lambda _, key=None: sent.append(key))
    app = Playground("#networkShape=8,8,8,8,8,8")
    made = len(_living()) - before
    assert 100 < 2 * made + len(sent) < 900  # those before it are closed
    app.close()


def _living():
    return getattr(widgets.widget, "_instances", None) or widgets.Widget.widgets


# What the site lacks


@pytest.fixture
def csv():
    """The circle's training points, 250, as a student's file."""
    data = load_data(PlaygroundConfig(noise=20))
    rows = zip(data.train_points, data.train_labels, strict=True)
    lines = [f"{x:.3f};{y:.3f};{'oui' if label > 0 else 'non'}" for (x, y), label in rows]
    return "x1;x2;classe\n" + "\n".join(lines).replace(".", ",")


def give(app, name, content):
    """Choose a file, as ipywidgets 8 (or 7) tells the kernel."""
    upload, content = control(app, name), content.encode()
    if isinstance(upload.value, dict):
        upload.set_trait("value", {"points.csv": {"metadata": {}, "content": content}})
    else:
        told = {"name": "points.csv", "type": "text/csv", "size": 1, "last_modified": datetime.now(tz=UTC)}
        upload.value = ({**told, "content": memoryview(content)},)
    assert not upload.value  # the same file may come again


def test_back_to_the_beginning_of_the_same_start(app):
    click(app, "Recommencer")
    before = app.run
    click(app, "Avancer d'une époque")
    click(app, "Revenir au début de ce départ")
    assert (app.config.resets, app.config.epochs) == (1, 0)
    assert app.run.test_loss[0, 0] == before.test_loss[0, 0]
    click(app, "Avancer d'une époque")
    assert app.journal[0].replayable


@pytest.mark.parametrize("epochs", [1, 37])
def test_it_stops_at_an_epoch(app, epochs):
    control(app, "S'arrêter à l'époque").value = str(epochs)
    play(app, 30)
    assert not app.playing
    assert app.config.epochs == epochs
    assert f"l'époque {epochs}, comme demandé" in message(app)
    play(app, 2)  # and goes on if asked to
    assert app.config.epochs > epochs


def test_it_stops_at_the_first_epoch_that_reaches_a_loss(app):
    losses = train(app.config, 200).test_loss[0]
    target = round(float(losses[120:].min()) + 0.005, 4)
    first = int(np.flatnonzero(losses <= target)[0])
    assert first > 3
    control(app, "Vitesse").value = 10_000
    control(app, "S'arrêter dès que").value = str(target).replace(".", ",")
    play(app, 50)
    assert (app.playing, app.config.epochs) == (False, first)
    assert f"Arrêt à l'époque {first}" in message(app)
    assert app.journal[0].replayable
    click(app, "Avancer d'une époque")
    np.testing.assert_array_equal(app.run.test_loss[0], losses[: first + 2])


def test_accuracy_and_rings_tell_the_wrong_side(app):
    play(app, 5)
    click(app, "Pause")
    run, data = app.run, app.run.data
    for points, labels in ((data.train_points, data.train_labels), (data.test_points, data.test_labels)):
        share = np.mean(np.sign(run.predict(points)[0]) == labels)
        assert f"<td>{100 * share:.1f}\u00a0%</td>".replace(".", ",") in texts(app)
    assert "du mauvais côté" not in texts(app)
    control(app, "Cercler les points mal classés").value = True
    wrong = int((np.sign(run.predict(data.train_points)[0]) != data.train_labels).sum())
    assert texts(app).count("a6 6 0 1 0 12 0") == wrong > 0
    control(app, "Afficher les points de test").value = True
    assert texts(app).count("a6 6 0 1 0 12 0") > wrong
    control(app, "Type de problème").value = "regression"
    assert "Exactitude" not in texts(app)
    assert control(app, "Cercler").layout.display == "none"


def test_the_lowest_test_loss_is_marked_with_its_epoch(app):
    app.load(EXAMPLES[2].config.replace(epochs=100))
    losses = app.run.test_loss[0]
    assert f"min. test {loss_text(losses.min())} (époque {losses.argmin()})" in texts(app)
    assert 0 < losses.argmin() < 100


def test_a_students_own_points_are_played(app, csv):
    give(app, "Votre CSV", csv)
    assert "« oui » (+1, bleu)" in message(app).replace("\u00a0", " ")
    own = app.run.own
    assert len(own.table) == 250
    assert control(app, "Type de problème").disabled
    play(app, 3)
    click(app, "Pause")
    expected = Run(app.config, own=own).train(app.config.epochs)
    np.testing.assert_array_equal(app.run.test_loss, expected.test_loss)
    assert "ne voyagent pas dans l'adresse" in message(app)
    assert not app.journal[0].replayable
    control(app, "Journal des essais").value = True
    trials = next(w for w in tree(app.widget) if isinstance(w, widgets.Select))
    assert "vos\u00a0250\u00a0points" in trials.options[0][0]
    click(app, "Recommencer")
    assert app.run.own is own
    click(app, "Cercle")  # the site's points, though the address had named them all along
    assert app.run.own is None
    trials.value = 0
    click(app, "Reprendre l'essai choisi")
    assert app.run.own is own
    assert app.run.test_loss[0, -1] == expected.test_loss[0, -1]


def test_own_points_given_in_the_cell_decide_the_problem():
    points = np.random.default_rng(0).normal(size=(40, 2))
    app = Playground(PART1, data=(points, points[:, 0] * 3))
    assert app.config.problem == "regression"
    assert "data=" in repr(app)
    app.close()
    for data in ("points.csv", (points,), (points, range(39))):
        with pytest.raises(ValueError, match=r"Vos données|couple"):
            Playground(PART1, data=data)


def test_a_file_that_is_none_changes_nothing(app, csv):
    before = app.config
    give(app, "Votre CSV", csv.replace(";oui", "", 1))
    assert "trois colonnes" in message(app)
    control(app, "Fichiers").value = True
    give(app, "Ouvrir un fichier .json", "{}")
    assert "n'est pas l'état" in message(app)
    assert app.config == before
    assert app.run.own is None


def test_the_trained_state_travels(app):
    play(app, 3)
    click(app, "Pause")
    control(app, "Fichiers").value = True
    state, model = re.findall(
        r'download="\S+" href="data:application/octet-stream;base64,(\S+?)"', texts(app)
    )
    assert base64.b64decode(model)[:2] == b"PK"
    run, config = app.run, app.config
    edited = json.loads(base64.b64decode(state))
    edited["layers"][1]["biases"][0] = 0.75  # by hand
    click(app, "Recommencer")
    give(app, "Ouvrir un fichier .json", json.dumps(edited))
    assert app.config == config
    assert app.run.parameters[1][1][0, 0] == 0.75
    np.testing.assert_array_equal(app.run.parameters[0][0], run.parameters[0][0])
    play(app, 2)
    assert app.config.epochs > config.epochs


def dead(run):
    return [(layer[0] == 0).all(axis=0) for layer in run.activations(run.data.train_points)[:-1]]


def test_each_example_shows_what_it_says():
    runs = [Run(example.config, (example.config.resets,)).train(300) for example in EXAMPLES]
    relu, rate, over, under, penalty = runs
    assert dead(relu)[0].all()
    weights = relu.parameters[0][0]
    np.testing.assert_array_equal(relu.train(50).parameters[0][0], weights)
    assert not rate.train_loss[0, -1] <= rate.train_loss[0, 0]
    assert train(rate.config.replace(learning_rate=0.03), 10).test_loss[0, -1] < 0.001
    assert len(over.data.train_labels) == 50
    assert over.train_loss[0, -1] < 0.01
    assert over.test_loss[0].argmin() < 50
    assert over.test_loss[0, -1] > 1.4 * over.test_loss[0].min()
    assert under.test_loss[0, -1] == pytest.approx(under.train_loss[0, -1], rel=0.1)
    assert train(under.config.replace(network_shape=(8,)), 300).test_loss[0, -1] < under.test_loss[0, -1] / 2
    kept = (penalty.parameters[0][0][0] != 0).any(axis=1)
    assert [name for name, is_kept in zip(FEATURES, kept, strict=True) if is_kept] == ["xSquared", "ySquared"]
    assert penalty.test_loss[0, -1] < 0.01


def test_an_example_opens(app):
    control(app, "Expériences").value = True
    for example in EXAMPLES:
        control(app, "Expérience").value = example.name
        assert example.sentence.split()[0] in texts(app)
        click(app, "Ouvrir l'expérience choisie")
        assert app.config == example.config
