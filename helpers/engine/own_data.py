"""Points of one's own, read from arrays or a CSV text and scaled to the Playground's plane."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..french import french_error, plain, quoted, thousands, typographic

LEAST, MOST = 10, 5000  # points: at least one for training and one for testing, whatever their share
SCALED = 5.0  # a coordinate's least and greatest value become -SCALED and +SCALED
_ASIDE = "L'adresse et le journal ne les contiennent pas : gardez-les avec eux."


@dataclass(frozen=True, eq=False)
class OwnData:
    """Points on the plane."""

    table: np.ndarray  # read-only float64 (n, 3): two coordinates from -5 to 5, a label from -1 to 1
    problem: str  # "classification" if the labels have two values, else "regression"
    summary: str  # a French sentence on how they were read

    def __post_init__(self):
        _check_count(len(self.table))
        self.table.setflags(write=False)


def own_data(points: Sequence, labels: Sequence, places: Sequence[str] | None = None) -> OwnData:
    """Scale points to the plane: each coordinate, and the numbers of a regression, linearly.

    Args:
        points: (n, 2) numbers, 10 to 5,000 points.
        labels: n labels: two values of any kind, which become -1 and +1 in their order, or more numbers.
        places: where each point comes from, for messages; by default its index.

    Raises:
        ValueError: another shape, a value that is not a finite number, too few or too many points.
    """
    points, labels = (np.asarray(given, object) for given in (points, labels))
    if len(points.shape) < 1 or labels.shape != points.shape[:1]:
        raise french_error(
            "Vos données : (n, 2) coordonnées et n étiquettes sont attendues, reçu des tableaux de formes "
            f"{points.shape} et {labels.shape}."
        )
    _check_count(len(points))
    places = places or [f"point {index}" for index in range(len(points))]
    for point, place in zip(points, places, strict=True):
        if np.shape(point) != (2,):
            raise french_error(
                f"Vos données, {place} : deux coordonnées sont attendues, reçu {quoted(point)}."
            )
    x, y = (
        [_finite(point[axis], place) for point, place in zip(points, places, strict=True)] for axis in (0, 1)
    )
    labels = [
        _finite(*one) if _is_number(one[0]) else str(one[0]) for one in zip(labels, places, strict=True)
    ]
    classes = sorted(set(labels), key=lambda label: (isinstance(label, str), label))
    if len(classes) == 1:
        raise french_error("Vos données : tous les points ont la même étiquette ; il en faut au moins deux.")
    problem = "classification" if len(classes) == 2 else "regression"
    if problem == "classification":
        low, high = classes
        targets = [1.0 if label == high else -1.0 for label in labels]
        read = f"deux classes, {_shown(low)} (−1, orange) et {_shown(high)} (+1, bleu)"
    else:
        texts = [label for label in dict.fromkeys(labels) if isinstance(label, str)]
        if texts:
            odd = texts[2] if len(texts) > 2 else texts[0]
            raise french_error(
                f"Vos données, {places[labels.index(odd)]} : étiquette {_shown(odd)}. Il faut deux classes "
                "en tout, ou des nombres seuls pour une régression."
            )
        targets = _scaled(labels, 1.0)
        read = f"une régression, étiquettes {_span(labels)} ramenées à [−1 ; 1]"
    table = np.column_stack([_scaled(x, SCALED), _scaled(y, SCALED), targets])
    spans = f"X₁ {_span(x)} et X₂ {_span(y)}, ramenés à [−5 ; 5]"
    summary = typographic(f"Vos {len(table)} points : {read} ; {spans}. {_ASIDE}")
    return OwnData(table, problem, summary)


def read_csv(content: bytes | str) -> OwnData:
    """Read points from a CSV text: two coordinates and a label on each line, with or without a heading.

    Columns are separated by semicolons, tabs or commas; with the first two, decimal commas are read.

    Raises:
        ValueError: what ``own_data`` refuses; the message names the line.
    """
    text = content if isinstance(content, str) else _decoded(content)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    separator = next((sign for sign in ";\t" if lines and sign in lines[0][1]), ",")
    points, labels, places = [], [], []
    for number, line in lines:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        if separator != ",":
            cells = [dotted if _is_number(dotted := cell.replace(",", ".")) else cell for cell in cells]
        if number == lines[0][0] and not any(map(_is_number, cells[:2])):
            continue  # a heading
        if len(cells) != 3:
            raise french_error(
                f"Vos données, ligne {number} : trois colonnes sont attendues (x1, x2, étiquette), "
                f"reçu {quoted(line)}."
            )
        points.append(cells[:2])
        labels.append(cells[2])
        places.append(f"ligne {number}")
    return own_data(points, labels, places)


def _decoded(content):
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # a French spreadsheet's


def _check_count(count):
    if not LEAST <= count <= MOST:
        raise french_error(
            f"Vos données : {thousands(count)} points ; il en faut entre {LEAST} et {thousands(MOST)}."
        )


def _is_number(cell):
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


def _finite(value, place):
    if not _is_number(value) or not math.isfinite(float(value)):
        raise french_error(f"Vos données, {place} : {quoted(value)} n'est pas un nombre fini.")
    return float(value)


def _shown(label):
    return f"« {label if isinstance(label, str) else plain(label)} »"


def _span(values):
    return f"de {plain(min(values))} à {plain(max(values))}"


def _scaled(values, most):
    values = np.array(values)
    low, span = values.min(), np.ptp(values)
    return (values - low) / span * 2 * most - most if span else np.zeros(len(values))
