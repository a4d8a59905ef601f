"""Measures a part's numbers anew on other points, for a resit: another seed of the data.

The correction is executed with both seeds, and what its checks pay and its outputs show is compared, so the
measures follow the notebooks, whatever was changed there.
"""

import itertools
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from nbformat import NotebookNode

from ..editions import INSTRUCTOR_TAG, ROOT, grade_id, is_check, is_free_text, key_of, local_id, packed
from ..records import Refused
from . import release
from .answers import add_probe, take_probe
from .points import unearned

MARGIN = 0.002  # of loss: an end nearer to a threshold may fall on its other side elsewhere
THRESHOLDS = ("PARTIAL_SUCCESS", "TARGET")  # of the checks
SEARCHED = range(64)  # starts among which a new address is looked for
# A figure, its thousands maybe apart, and what it counts, where that tells it from an equal one; no points.
_NUMBER = re.compile(
    r"(?<![\w.,^{_])((?>(?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d+)(?:[.,]\d+)?))(?![\w^]|[.,]\d)"
    r"(?!\s*points?\b(?!\sde\spourcentage))(?:\s*(%|neurone|paramètre))?"
)


def measure(seeds: Sequence[str], numbers: Iterable[int] | None = None) -> Iterator[str]:
    """Tell what another seed changes, a line at a time.

    Args:
        seeds: of the site, such as "0.7"; of several, only whether the thresholds still separate is told.
        numbers: of the parts to measure; by default those of the pack.

    Raises:
        Refused: not a seed, or no such part.
    """
    for seed in seeds:
        if not re.fullmatch(r"\d*\.?\d+", seed):
            raise Refused(f"{seed!r} is not a seed: a number such as 0.7 is")
    for source in packed(numbers):
        checks = release.checks_of(source.stem)
        if not hasattr(checks, "LAB"):
            yield f"{source.stem} has no seed: nothing to measure"
        elif len(seeds) == 1:
            yield from _compared(source, checks, *seeds)
        else:
            for seed in seeds:
                failing = [line for line in separations(checks, seed) if "NOT" in line]
                yield f"{source.stem}: seed {seed}: {'; '.join(failing) or 'all thresholds separate'}"


def _compared(source, checks, seed):
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
            return
    right, _ = take_probe(former), take_probe(after)
    lacking = unearned(after, checks)
    yield from (f"  check {line}, with the former answer" for line in lacking)
    yield from (f"  now right {line}" for line in renewed(checks, seed, lacking))
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
    """Yield, for each threshold of a part's checks, whether it still separates what it should.

    BANDS separate where the lab's own network, which is to be enlarged, earns less than half of them.
    """
    from helpers.checks import part1, part2, part3  # noqa: PLC0415  (TensorFlow)
    from helpers.checks.answers import trained  # noqa: PLC0415
    from helpers.experiments.families import families  # noqa: PLC0415

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
        same = _one_function(_rises(run, part2.ENDS))
        yield f"ENDS {part2.ENDS} {'are' if same else 'ARE NOT'} one function in another order"
    elif checks is part3:
        lab = trained(part3.LAB.replace(seed=seed), part3.LAB_EPOCHS, part3.STARTS).test_loss
        best = float(np.nanmin(lab[:, -1]))
        for key, bands in part3.BANDS.items():
            earned, most = part3.points_below(best, bands), max(bands.values())
            ends = f"the best of the lab's own network, {best:.3f}, earns {earned:g} of {most:g}"
            yield f"BANDS {key} {_verdict(2 * earned < most)}: {ends}"


def renewed(checks, seed: str, lacking: Iterable[str]) -> Iterator[str]:
    """Yield the right answers of Part 2 that are typed, where these sentences say that one lacks points."""
    from helpers.checks import part2  # noqa: PLC0415  (TensorFlow)
    from helpers.checks.answers import trained  # noqa: PLC0415
    from helpers.experiments.families import families  # noqa: PLC0415

    typed = {line.partition(":")[0] for line in lacking} & {"1.b", "6.a"} if checks is part2 else ()
    if typed:
        run = trained(part2.LAB.replace(seed=seed), part2.EPOCHS, part2.STARTS)
        ends = run.test_loss[:, -1].round(3).tolist()
    if "1.b" in typed:
        yield f"1.b: familles = {families(run)[: part2.PLAYED]}, pertes = {ends[: part2.PLAYED]}"
    if "6.a" in typed:  # ENDS, or else the first two starts that will do in their place
        good = [start for start, end in enumerate(ends) if end <= part2.TARGET]
        for pair in (part2.ENDS, *itertools.combinations(good, 2)):
            if _one_function(rises := _rises(run, pair)):
                order = min(rises, key=rises.get)
                yield f"6.a: ENDS = {pair}, barriere = {rises[0, 1, 2]:.3f}, ordre = {order}"
                break


def _rises(run, ends) -> dict[tuple[int, ...], float]:
    """Return each order of the second start's neurons -> how far the loss rises on the way to it."""
    from helpers.experiments.weights import segment_losses  # noqa: PLC0415  (TensorFlow)

    orders = itertools.permutations(range(3))
    lines = {order: segment_losses(run, *ends, order=order) for order in orders}
    return {order: float(losses.max() - max(losses[0], losses[-1])) for order, losses in lines.items()}


def _one_function(rises):
    return min(rises.values()) < 0.01 and rises[0, 1, 2] > 0.1


def _verdict(clear):
    return "separates" if clear else "DOES NOT SEPARATE"


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
                if value in (number for _, number, _ in _numbers(sentence)):
                    yield f"{name} {value:g}, {place}: {sentence.strip()[:120]}"


def gap(name: str, threshold: float, losses: np.ndarray) -> str:
    """Say whether no final loss comes near a threshold that has some on either side."""
    below, above = losses[losses <= threshold], losses[losses > threshold]
    nearest = below.max(initial=-np.inf), above.min(initial=np.inf)
    clear = len(below) and len(above) and all(abs(end - threshold) > MARGIN for end in nearest)
    ends = f"{len(below)} of {len(losses)} ends below, none between {nearest[0]:.3f} and {nearest[1]:.3f}"
    return f"{name} {threshold:g} {_verdict(clear)}: {ends}"


def reach(name: str, threshold: float, losses: Mapping[str, np.ndarray]) -> str:
    """Say whether the first of two networks gets below a threshold in some start, the other in none."""
    lowest = [np.nanmin(of) for of in losses.values()]
    clear = lowest[0] <= threshold < lowest[1]
    ends = ", ".join(
        f"{np.mean(of <= threshold):.0%} of the starts of {what}, at best {np.nanmin(of):.4f}"
        for what, of in losses.items()
    )
    return f"{name} {threshold:g} {_verdict(clear)}: reached by {ends}"


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

    A figure is looked up among the outputs of its own question, then among all. One of a single digit is
    left out: it cannot be told from others. To be reread is what no output shows, or only one that holds
    more or fewer figures than before.
    """
    shown = []  # (question, former number, its unit, new number or None)
    for cell, new in zip(former.cells, after.cells, strict=True):
        if is_check(cell):  # which shows marks
            continue
        told, said = list(_numbers(_said(cell))), list(_numbers(_said(new)))
        now = [number for _, number, _ in said] if len(said) == len(told) else [None] * len(told)
        shown += [(local_id(cell)[:2], old, unit, n) for (_, old, unit), n in zip(told, now, strict=True)]
    key = ""
    for cell in former.cells:
        key = key_of(grade_id(cell)) or key
        rubric = INSTRUCTOR_TAG in cell.metadata.get("tags", ())
        if not (rubric or is_free_text(cell)):
            continue
        changed, unknown = [], []
        for text, quoted, unit in dict.fromkeys(_numbers(cell.source)):
            decimals = f".{len(text.partition(',')[2])}f"
            if len(text) == 1:
                continue
            found = [
                (where, now)
                for where, old, of, now in shown
                if of == unit and f"{old:{decimals}}" == f"{quoted:{decimals}}"
            ]
            own = [now for where, now in found if where == f"q{key[0]}"] or [now for _, now in found]
            now = dict.fromkeys(f"{number:{decimals}}" for number in own if number is not None)
            if not now:
                unknown.append(text)
            elif f"{quoted:{decimals}}" not in now:
                changed.append(f"{text} is now {' or '.join(now).replace('.', ',')}")
        told = [*changed, *([f"reread {', '.join(dict.fromkeys(unknown))}"] if unknown else [])]
        if told:
            yield f"{key}, {'rubric' if rubric else 'model answer'}: {'; '.join(told)}"


def _said(cell):
    outputs = cell.get("outputs", ())
    return "\n".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs
    )


def _numbers(text):
    """Yield each number of a text as it stands, its value and its unit; addresses hold none."""
    for found, unit in _NUMBER.findall(re.sub(r"https?://\S+", "", text.replace("{,}", ","))):
        yield found.replace(".", ","), float(re.sub(r"\s", "", found).replace(",", ".")), unit
