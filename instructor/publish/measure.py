"""Measures a part's numbers anew on other points, for a resit: another seed of the data.

The correction is executed with both seeds, and what its checks pay and its outputs show is compared, so the
measures follow the notebooks, whatever was changed there.
"""

import itertools
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from nbformat import NotebookNode

from ..editions import INSTRUCTOR_TAG, ROOT, grade_id, is_free_text, key_of, local_id, packed
from ..records import Refused
from . import release
from .answers import add_probe, take_probe
from .points import unearned

MARGIN = 0.002  # of loss: an end nearer to a threshold may fall on its other side elsewhere
THRESHOLDS = ("PARTIAL_SUCCESS", "TARGET")  # of the checks
SEARCHED = range(64)  # starts among which a new address is looked for
_NUMBER = re.compile(r"(?<![\w.,^{_])\d+(?:[.,]\d+)?(?![\w^]|[.,]\d)")


def measure(seed: str, numbers: Iterable[int] | None = None) -> Iterator[str]:
    """Tell what another seed changes, a line at a time.

    Args:
        seed: of the site, such as "0.12345".
        numbers: of the parts to measure; by default those of the pack. One without a seed is left out.

    Raises:
        Refused: not a seed, or no such part.
    """
    if not re.fullmatch(r"\d*\.?\d+", seed):
        raise Refused(f"{seed!r} is not a seed: a number such as 0.12345 is")
    for source in packed(numbers):
        checks = release.checks_of(source.stem)
        if not hasattr(checks, "LAB"):
            continue
        former, after = _solved(source, checks.LAB.seed), _solved(source, seed)
        release.execute_once(former, f"{source.stem}, solved")
        yield f"{source.stem}: seed {checks.LAB.seed}, now {seed}"
        yield from (f"  quoted {line}" for line in quoted(checks, former))
        yield from (f"  threshold {line}" for line in separations(checks, seed))
        with tempfile.TemporaryDirectory() as root:
            copy_helpers(Path(root), checks.LAB.seed, seed)
            try:
                release.execute(after, Path(root))
            except Refused as error:
                yield f"  the correction does not run: {error}"
                continue
        right, _ = take_probe(former), take_probe(after)
        yield from (f"  check {line}, with the former answer" for line in unearned(after, checks))
        yield from (f"  address {line}" for line in addresses(right, seed))
        yield from (f"  figures {line}" for line in changed_figures(former, after))


def _solved(source, seed):
    notebook = release.read_stamped(source, release.NOWHERE, "main", seed)
    add_probe(notebook)
    return notebook


def copy_helpers(root: Path, former: str, seed: str) -> None:
    """Copy the helpers into a folder, with another seed in the checks that have the former one."""
    shutil.copytree(ROOT / "helpers", root / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (root / "helpers" / "checks").glob("part*.py"):
        text = path.read_text("utf-8").replace(f'seed="{former}"', f'seed="{seed}"')
        path.write_text(text, encoding="utf-8", newline="\n")


def separations(checks, seed: str) -> Iterator[str]:
    """Yield, for each threshold of a part's checks, whether it still separates what it should."""
    from helpers.checks import part1, part2, part3  # noqa: PLC0415  (TensorFlow)
    from helpers.checks.answers import trained  # noqa: PLC0415
    from helpers.experiments.families import families  # noqa: PLC0415
    from helpers.experiments.weights import segment_losses  # noqa: PLC0415

    if checks is part1:
        two, three = (
            trained(config.replace(seed=seed), part1.EPOCHS, part1.STARTS).test_loss
            for config in (part1.TWO_RELU, part1.THREE_RELU)
        )
        yield gap("PARTIAL_SUCCESS", part1.PARTIAL_SUCCESS, two[:, -1])
        yield reach("TARGET", part1.TARGET, {"three ReLU neurons": three[:, -1], "two": two[:, -1]})
    elif checks is part2:
        run = trained(part2.LAB.replace(seed=seed), part2.EPOCHS, part2.STARTS)
        yield gap("TARGET", part2.TARGET, run.test_loss[:, -1])
        counts = Counter(families(run)).most_common()
        yield "families: " + ", ".join(f"{number} {family}" for family, number in counts)
        rises = []
        for order in itertools.permutations(range(3)):
            losses = segment_losses(run, *part2.ENDS, order=order)
            rises.append(float(losses.max() - max(losses[0], losses[-1])))
        same = min(rises) < 0.01 and rises[0] > 0.1
        yield f"ENDS {part2.ENDS} {'are' if same else 'ARE NOT'} one function in another order"
    elif checks is part3:
        lab = trained(part3.LAB.replace(seed=seed), part3.LAB_EPOCHS, part3.STARTS).test_loss
        best = float(np.nanmin(lab[:, -1]))
        for key, bands in part3.BANDS.items():
            earned, most = part3.points_below(best, bands), max(bands.values())
            yield f"BANDS {key}: the best of the lab's own network, {best:.3f}, earns {earned:g} of {most:g}"


def quoted(checks, notebook: NotebookNode) -> Iterator[str]:
    """Yield where a part quotes a threshold, for who changes it; tables of BANDS are ``release``'s affair."""
    path = Path(checks.__file__)
    texts = [(local_id(cell), cell.source) for cell in notebook.cells] + [
        (path.name, path.read_text("utf-8"))
    ]
    for name in THRESHOLDS:
        value = getattr(checks, name, None)
        for place, text in texts:
            for sentence in re.split(r"(?<=[.:?!])\s|\n", text):
                if value in (number for _, number in _numbers(sentence)):
                    yield f"{name} {value:g}, {place}: {sentence.strip()[:120]}"


def gap(name: str, threshold: float, losses: np.ndarray) -> str:
    """Say whether no final loss comes near a threshold that has some on either side."""
    below, above = losses[losses <= threshold], losses[losses > threshold]
    nearest = below.max(initial=-np.inf), above.min(initial=np.inf)
    clear = len(below) and len(above) and all(abs(end - threshold) > MARGIN for end in nearest)
    ends = f"{len(below)} of {len(losses)} ends below, none between {nearest[0]:.3f} and {nearest[1]:.3f}"
    return f"{name} {threshold:g} {'separates' if clear else 'DOES NOT SEPARATE'}: {ends}"


def reach(name: str, threshold: float, losses: Mapping[str, np.ndarray]) -> str:
    """Say whether the first of two networks gets below a threshold in some start, the other in none."""
    lowest = [np.nanmin(of) for of in losses.values()]
    clear = lowest[0] <= threshold < lowest[1]
    ends = ", ".join(
        f"{np.mean(of <= threshold):.0%} of the starts of {what}, at best {np.nanmin(of):.4f}"
        for what, of in losses.items()
    )
    return f"{name} {threshold:g} {'separates' if clear else 'DOES NOT SEPARATE'}: reached by {ends}"


def addresses(right: Mapping[str, list], seed: str) -> Iterator[str]:
    """Yield, for each right answer that is an address, the best start of its experiment on the new points."""
    from helpers import PlaygroundConfig, train  # noqa: PLC0415  (TensorFlow)

    for question, values in right.items():
        for value in values:
            config = PlaygroundConfig.from_url(value) if str(value).startswith("https://") else None
            if config and config.epochs:
                config = config.replace(seed=seed)
                losses = train(config, config.epochs, SEARCHED).test_loss[:, -1]
                best = int(np.nanargmin(losses))
                url = config.replace(resets=best).to_url()
                yield f"{key_of(question)}: at best {losses[best]:.4f}, {url}"


def changed_figures(former: NotebookNode, after: NotebookNode) -> Iterator[str]:
    """Compare the figures that model answers and rubrics quote with what both runs of the correction show.

    A figure is looked up among the outputs of its own question, then among all; one of a single digit, or
    which no output shows, cannot be told from others: reread those.
    """
    shown = []  # (question, former number, new number)
    for cell, new in zip(former.cells, after.cells, strict=True):
        pairs = zip(_numbers(_said(cell)), _numbers(_said(new)), strict=False)
        shown += [(local_id(cell)[:2], old, now) for (_, old), (_, now) in pairs]
    key = ""
    for cell in former.cells:
        key = key_of(grade_id(cell)) or key
        rubric = INSTRUCTOR_TAG in cell.metadata.get("tags", ())
        if not (rubric or is_free_text(cell)):
            continue
        changed, unknown = [], []
        for text, quoted in dict.fromkeys(_numbers(cell.source)):
            decimals = len(text.partition(",")[2])
            if len(text) == 1:
                continue
            found = [
                (where, now) for where, old, now in shown if f"{old:.{decimals}f}" == f"{quoted:.{decimals}f}"
            ]
            own = [now for where, now in found if where == f"q{key[0]}"] or [now for _, now in found]
            now = dict.fromkeys(f"{number:.{decimals}f}".replace(".", ",") for number in own)
            if not now:
                unknown.append(text)
            elif text not in now:
                changed.append(f"{text} is now {' or '.join(now)}")
        told = [*changed, *([f"reread {', '.join(unknown)}"] if unknown else [])]
        if told:
            yield f"{key}, {'rubric' if rubric else 'model answer'}: {'; '.join(told)}"


def _said(cell):
    outputs = cell.get("outputs", ())
    return "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs
    )


def _numbers(text):
    """Yield each number of a text as it stands, and its value."""
    for found in _NUMBER.findall(text.replace("{,}", ",")):
        yield found.replace(".", ","), float(found.replace(",", "."))
