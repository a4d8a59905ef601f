"""The harness itself, and the mechanism that the widget's clock rests on, with a widget of twenty lines."""

# The page echoes a counter through jsdlink; each echo makes the kernel work and bump it: no page, no playing.
CLOCK = """
import time
import ipywidgets as w
seq, ack = w.IntText(0), w.IntText(0)
link = w.jsdlink((seq, 'value'), (ack, 'value'))
button, label = w.Button(description='Lecture'), w.HTML("<b class='counter'>0</b>")
state = dict(playing=False, steps=0)

def step(change=None):
    if state['playing']:
        time.sleep(0.005)
        state['steps'] += 1
        label.value = f"<b class='counter'>{state['steps']}</b>"
        seq.value += 1

def toggle(_):
    state['playing'] = not state['playing']
    button.description = 'Pause' if state['playing'] else 'Lecture'
    step()

ack.observe(step, 'value')
button.on_click(toggle)
for hidden in (seq, ack):
    hidden.layout.display = 'none'
w.VBox([button, label, seq, ack])
"""


def test_the_clock_plays_in_a_real_page(open_page, artifacts, front):
    notebook = open_page(cells=["print('bonjour')", CLOCK], front=front)
    notebook.run_all()
    assert notebook.text(0) == "bonjour\n"
    assert notebook.cell_errors() == []

    counter = notebook.root.locator(".counter")
    notebook.button("Lecture").click()
    notebook.page.wait_for_function("() => Number(document.querySelector('.counter')?.textContent) > 20")
    assert notebook.execute("print(1 + 1)") == "2\n"
    notebook.screenshot(artifacts / f"clock-{front}.png")
    notebook.button("Pause").click()
    notebook.button("Lecture").wait_for()
    assert int(counter.text_content()) == int(notebook.execute("print(state['steps'])"))
    assert notebook.console_errors == []


def test_errors_are_seen(open_page):
    """A failing cell, a failing callback and a message on the page's console are all reported."""
    failing = "import ipywidgets as w\nb = w.Button(description='Casse')\nb.on_click(lambda _: 1 / 0)\nb"
    notebook = open_page(cells=[failing, "undefined_name"])
    notebook.run_all()
    assert notebook.cell_errors() == ["NameError: name 'undefined_name' is not defined"]
    notebook.button("Casse").click()
    notebook.page.evaluate("() => console.error('broken page')")
    notebook.execute("print('after')")
    assert notebook.kernel_errors()[1:] == ["ZeroDivisionError: division by zero"]
    (error,) = notebook.console_errors
    assert error.startswith("broken page (")
