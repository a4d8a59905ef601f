"""A made class: what 60 students send through Moodle, honest, clumsy or hostile, and the marks they are due.

Nothing is run here. Answers are numbers measured beforehand, so marking costs little more than the checks.
"""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from helpers.checks import part1

from . import hostile_files
from .hostile_answers import HOSTILE, ROOT
from .sending import (
    PART1,
    PART2,
    PART3,
    PART4,
    R_KERNEL,
    answered,
    as_bytes,
    code,
    encrypted,
    find,
    insert_after,
    link,
    send,
    tarred,
    text,
    version_3,
    without_names,
    zipped,
)

RIGHT = {
    "q1a": "prediction_1 = 0.3",
    "q1b": "palier = 0.5\nconstante = 0",
    "q2a": "def composer(W1, b1, W2, b2):\n    return W1 @ W2, b1 @ W2 + b2",
    "q3a": "prediction_3 = 0.2",
    "q4a": "prediction_4 = 4",
}
WORTH = {key: question.points for key, question in part1.MARKS.questions.items()}
DUE = {key: WORTH[key] for key in ("1.a", "1.b", "2.a", "3.a", "4.a")}
THREE = f"adresse = {part1.THREE_RELU.replace(epochs=400, resets=5).to_url()!r}"
EIGHT = f"adresse = {part1.THREE_RELU.replace(epochs=400, network_shape=(8,)).to_url()!r}"
LUCK = "plus_petit = 3\ntaux = 20 / 128\ndeparts = 18"
MEASURED = {"q3b": "part_basse = 22 / 128", "q4b": THREE, "q4c": LUCK}
MEASURED_DUE = {key: WORTH[key] for key in ("3.b", "4.b", "4.c")}


@dataclass(frozen=True)
class Case:
    """What one student sends, and what must come out.

    Attributes:
        name: as Moodle writes it.
        files: path -> content.
        points: "part1" -> question's key -> points; a part of which a notebook counts is there, even with no
            question; an automatic question that is not there is due 0 points.
        remark: words that must stand in one of the remarks, "" if none must.
        hostile: what the submission tries, "" for an honest one.
        traces: files that must not exist after marking.
        slug: the name in the identifier that intake gives, if not in lower case with hyphens.
        flat: whether Moodle's prefix stands before the file's name, not in a folder's.
        number: that Moodle gives.
    """

    name: str
    files: Mapping[str, dict | str | bytes | int]
    points: dict[str, dict[str, float]] = field(default_factory=dict)
    remark: str = ""
    hostile: str = ""
    traces: tuple[Path, ...] = ()
    slug: str = ""
    flat: bool = False
    number: int = 0

    @property
    def student(self) -> str:
        """The identifier that intake gives."""
        return f"{self.slug or self.name.lower().replace(' ', '-')}-{self.number}"

    def differences(self, result) -> list[str]:
        """Compare with a ``StudentResult``; return one sentence per difference."""
        sent = result.notebooks.items()
        parts = {name.partition("_")[0]: book for name, book in sent if book.status != "unreadable"}
        found = []
        if parts.keys() != self.points.keys():
            found.append(f"{self.student}: parts {sorted(parts)}, expected {sorted(self.points)}")
        for part in parts.keys() & self.points.keys():
            marked = {question.key for question in parts[part].questions}
            if parts[part].status not in ("graded", "partial") or not self.points[part].keys() <= marked:
                found.append(f"{self.student}: {part} is {parts[part].status}: {parts[part].remarks}")
            for question in parts[part].questions:
                due = None if question.manual else self.points[part].get(question.key, 0.0)
                if question.points != due:
                    found.append(f"{self.student}: {part} {question.key}: {question.points}, expected {due}")
        remarks = " ".join(
            [*result.remarks, *(r for n in result.notebooks.values() for r in (*n.remarks, *n.private))]
        )
        if self.remark not in remarks.replace("\u00a0", " "):
            found.append(f"{self.student}: no remark says {self.remark!r}: {remarks}")
        return found + [f"{self.student}: left {path}" for path in self.traces if path.exists()]


def make_class(folder: Path, port: int = 9) -> list[Case]:
    """Write a class's submissions as Moodle exports them.

    Args:
        folder: new folder for the export.
        port: of a server on this machine that no submission may reach.
    """
    cases = [*_ordinary(), *_clumsy(), *_packed(), *_damaged(), *_hostile(folder, port)]
    cases = [dataclasses.replace(case, number=number) for number, case in enumerate(cases, 1_234_001)]
    for case in cases:
        prefix = f"{case.name}_{case.number}_assignsubmission_file_" + "/" * (not case.flat)
        send(folder if case.files else folder / prefix, {})
        send(folder, {prefix + name: content for name, content in case.files.items()})
    return cases


def _part1(answers=None) -> dict:
    return answered(PART1, RIGHT if answers is None else answers)


def _ordinary() -> Iterator[Case]:
    """Yield students whose notebooks come back as they should, right or wrong."""
    every = {"part1": DUE | MEASURED_DUE}
    yield Case("Alice Martin", {"part1_linear_vs_relu.ipynb": _part1(RIGHT | MEASURED)}, every)
    yield Case("Bruno Petit", {"part1_linear_vs_relu.ipynb": _part1()}, {"part1": DUE})
    yield Case("Chloe Durand", {"part1_linear_vs_relu.ipynb": _part1({})}, {"part1": {}})
    nothing = "def composer(W1, b1, W2, b2):\n    return 0"
    wrong = RIGHT | {"q1b": "palier = 0.3\nconstante = 1", "q2a": nothing}
    due = {key: WORTH[key] for key in ("1.a", "3.a", "4.a")}
    yield Case("David Moreau", {"part1_linear_vs_relu.ipynb": _part1(wrong)}, {"part1": due})
    half = {
        "q1b": "palier = 0.3\nconstante = 0",
        "q2a": "def composer(W1, b1, W2, b2):\n    return W2 @ W1, b1 @ W2 + b2",
        "q4b": EIGHT,
    }
    due = {"1.b": 0.75, "2.a": 1.5, "4.b": 1.5}
    yield Case("Emma Leroy", {"part1_linear_vs_relu.ipynb": _part1(half)}, {"part1": due})
    odd = {
        "q1a": 'prediction_1 = "0,3"',
        "q1b": "palier = float('nan')\nconstante = None",
        "q2a": "composer = 3",
        "q3a": "prediction_3 = True",
        "q4a": "prediction_4 = 10**400",
        "q4b": "adresse = 'https://example.org'",
    }
    yield Case("Farid Benali", {"part1_linear_vs_relu.ipynb": _part1(odd)}, {"part1": {}})
    failing = RIGHT | {"q1b": "palier = 1 / 0\nconstante = 0", "q3a": "prediction_3 = (0.2"}
    due = {key: WORTH[key] for key in ("1.a", "2.a", "4.a")}
    yield Case("Gaelle Simon", {"part1_linear_vs_relu.ipynb": _part1(failing)}, {"part1": due})
    shapes = '["demi-plan", "quatre quadrants", "demi-plan", "quatre quadrants", "bande diagonale"]'
    second = {
        "q1a": "prediction_1 = 50",
        "q1b": f"familles = {shapes}\npertes = [0.350, 0.195, 0.333, 0.195, 0.225]",
        "q3a": "prediction_3 = 50",
        "q4a": "prediction_4 = 3",
        "q5a": "echelle = 3 ** 0.5",
    }
    due2 = {"1.a": 0.5, "1.b": 2.5, "3.a": 0.5, "4.a": 0.5, "5.a": 1.5}
    yield Case("Hugo Laurent", {"part2_initialization.ipynb": answered(PART2, second)}, {"part2": due2})
    third = {
        "q1a": "prediction_1 = 0.35",
        "q2a": "prediction_2 = 0.2",
        "q3a": "def rugosite(z, pas):\n"
        "    voisins = z[:-2, 1:-1] + z[2:, 1:-1] + z[1:-1, :-2] + z[1:-1, 2:]\n"
        "    return np.mean(np.abs((voisins - 4 * z[1:-1, 1:-1]) / pas**2))",
    }
    due3 = {"1.a": 0.5, "2.a": 0.5, "3.a": 2}
    files = {
        "part1_linear_vs_relu.ipynb": _part1(),
        "part2_initialization.ipynb": answered(PART2, {"q5a": "echelle = 3"}),
        "part3_spiral.ipynb": answered(PART3, third),
    }
    yield Case("Ines Garcia", files, {"part1": DUE, "part2": {}, "part3": due3})
    texts = RIGHT | {"q1c-explication": "Une droite.", "q3c-explication": "Deux plis."}
    yield Case("Jules Roux", {"part1_linear_vs_relu.ipynb": _part1(texts)}, {"part1": DUE})


def _clumsy() -> Iterator[Case]:
    """Yield students whose notebooks were moved about, by them or by their tools."""
    name = "part1_linear_vs_relu.ipynb"
    yield Case("Karim Diallo", {name: without_names(_part1())}, {"part1": DUE}, "à vérifier")
    added = insert_after(
        _part1(RIGHT | {"q1b": "palier = vu\nconstante = 0"}), "q1b-question", code("vu = 0.5")
    )
    insert_after(added, "titre", text("Mes notes"))
    yield Case("Lea Fontaine", {name: added}, {"part1": DUE}, "Texte ajouté")
    deleted = _part1()
    for gone in ("q3a-reponse", "q2a-verification", "titre", "q1-courbes"):
        deleted["cells"].remove(find(deleted, gone))
    due = {key: value for key, value in DUE.items() if key != "3.a"}
    yield Case("Mehdi Haddad", {name: deleted}, {"part1": due}, "introuvables, comptées sans réponse : q3a")
    retyped = _part1({name: source for name, source in RIGHT.items() if name != "q1b"})
    insert_after(retyped, "q1b-verification", code(RIGHT["q1b"]))
    yield Case("Nina Blanc", {name: retyped}, {"part1": DUE}, "q1b-reponse : réponse à vérifier")
    copied = _part1(RIGHT | {"q1b": "palier = 0.4\nconstante = 0"})
    insert_after(copied, "q1b-reponse", copy.deepcopy(find(copied, "q1b-reponse")) | {"source": RIGHT["q1b"]})
    yield Case("Oscar Robin", {name: copied}, {"part1": DUE}, "Plusieurs cellules")
    merged = _part1(RIGHT | {"q1a": RIGHT["q1a"] + "\n" + RIGHT["q1b"]})
    merged["cells"].remove(find(merged, "q1b-reponse"))
    yield Case("Paul Henry", {name: merged}, {"part1": DUE}, "fusionnée")
    yield Case("Rose Lambert", {"tp rose.ipynb": version_3(_part1())}, {"part1": DUE}, "à son contenu")
    old = _part1()
    old["metadata"]["lab"] = {"sources": "0" * 64}
    find(old, "q3a-reponse")["metadata"]["nbgrader"]["grade_id"] = "q3-prediction"
    yield Case("Sofia Costa", {name: old}, {"part1": DUE}, "autre édition")
    as_text = _part1()
    find(as_text, "q1a-reponse").update(cell_type="markdown")
    yield Case("Tom Girard", {name: as_text}, {"part1": DUE}, "q1a-reponse : réponse à vérifier")
    magic = RIGHT | {"q1a": "%matplotlib inline\nprediction_1 = 0.3", "q3a": "%%time\nprediction_3 = 0.2"}
    yield Case("Ugo Faure", {name: _part1(magic)}, {"part1": DUE})
    swapped = _part1()
    swapped["cells"].reverse()
    yield Case("Vera Ivanova", {name: swapped}, {"part1": DUE})
    foreign = _part1() | {"metadata": R_KERNEL}
    yield Case("Walid Mansour", {name: foreign}, {"part1": DUE}, "il se dit écrit en R")


def _packed() -> Iterator[Case]:
    """Yield students whose files need sorting: names, folders, archives, several versions."""
    one, nfd = _part1(), unicodedata.normalize("NFD", "Zoé D'Été Nguyễn")
    yield Case(nfd, {"a b/c/part1 (2).ipynb": one}, {"part1": DUE}, slug="zoe-d-ete-nguyen")
    yield Case("Yann Le Goff", {"part1 (2).ipynb": one}, {"part1": DUE}, flat=True)
    yield Case("李雷", {"tp.ipynb": one}, {"part1": DUE}, slug="etudiant")
    junk = {"tp/part1.ipynb": one, "__MACOSX/tp/._part1.ipynb": b"\0\5\x16\7", "tp/.DS_Store": b"\0"}
    yield Case("Adele Morin", {"tp adele.zip": zipped(junk)}, {"part1": DUE}, flat=True)
    yield Case("Basile Noel", {"tp.tar.gz": tarred({"tp/part1.ipynb": one})}, {"part1": DUE})
    inner = zipped({"part1.ipynb": one, "helpers/engine/config.py": "pass"})
    yield Case("Celia Perrin", {"tp.zip": zipped({"tp.zip": inner})}, {"part1": DUE}, "laissés de côté")
    two = {"part1.ipynb": one, "part1 (1).ipynb": _part1({"q1a": "prediction_1 = 1"})}
    yield Case("Diane Gautier", two, {"part1": DUE}, "« part1.ipynb » est noté")
    yield Case("Elias Marchand", {"part1.ipynb": one}, {"part1": DUE}, "Un autre étudiant s'appelle aussi")
    yield Case("Elias Marchand", {"part1.ipynb": _part1({})}, {"part1": {}}, "Un autre étudiant s'appelle")
    saved = {".ipynb_checkpoints/part1-checkpoint.ipynb": one}
    name = "=1+1 <b onclick=alert(1)> & '; --"
    yield Case(name, {"part1.ipynb": one}, {"part1": DUE}, slug="1-1-b-onclick-alert-1")
    text = json.dumps(one, ensure_ascii=False)
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        sent = {"part1.ipynb": text.encode(encoding, "replace")}
        yield Case(f"Codage {encoding.title()}", sent, {"part1": DUE}, slug=f"codage-{encoding}")
    for tool, marks in (
        ("Code", {"vscode": {"languageId": "python"}}),
        ("Kaggle", {"_uuid": "ab", "trusted": True}),
    ):
        edited = without_names(_part1())
        edited["metadata"] = {"language_info": {"name": "python"}, tool.lower(): {"isGpuEnabled": False}}
        for cell in edited["cells"]:
            cell["metadata"] = marks
        yield Case(f"Outil {tool}", {"tp.ipynb": edited}, {"part1": DUE}, "à vérifier")
    renamed = {"part1.ipynb": zipped({"tp/part1.ipynb": one})}
    yield Case("Zip Renomme", renamed, {"part1": DUE})
    yield Case("Flora Renaud", saved, {"part1": DUE}, "sauvegarde automatique")


def _damaged() -> Iterator[Case]:
    """Yield students of whom little or nothing can be read."""
    notebook = as_bytes(_part1())
    yield Case("Gilles Picard", {"part1.ipynb": notebook[:9000]}, remark="JSON illisible")
    yield Case("Helene Roger", {"part1.ipynb": b""}, remark="fichier vide")
    yield Case("Igor Popov", {"part1.ipynb": 200_000_000}, remark="200 Mo, au plus 30 Mo")
    other = {"cells": [code("x <- rnorm(10)")], "metadata": R_KERNEL, "nbformat": 4}
    yield Case("Jade Colin", {"tp.ipynb": other}, remark="écrit pour le langage R")
    yield Case("Kevin Vidal", {"tp.rar": b"Rar!\x1a\x07" + bytes(90)}, remark="le format rar n'est pas lu")
    packed = zipped({"part1.ipynb": notebook})
    yield Case("Louise Caron", {"tp.zip": packed[:-40]}, remark="archive abîmée ou tronquée")
    yield Case("Marc Olivier", {"tp.zip": encrypted(packed)}, remark="mot de passe")
    yield Case("Nadia Cherif", {"rapport.pdf": b"%PDF-1.7"}, remark="Aucun carnet")
    yield Case("Omar Sall", {}, remark="Aucun carnet")


def _hostile(folder: Path, port: int) -> Iterator[Case]:
    """Yield students who try to harm or to cheat: none of it earns a point."""
    victim = folder / "Bruno Petit_1234002_assignsubmission_file_" / "part1_linear_vs_relu.ipynb"
    traces = (folder / "pirate.txt", Path(__file__).parent / "pirate.txt", folder.parent / "pirate.txt")
    here = {"ROOT": ROOT, "VICTIM": victim, "TRACES": [str(path) for path in traces], "PORT": port}
    here["HOME"] = Path.home()
    for attack in HOSTILE:
        filled = {name: Template(source).substitute(here) for name, source in attack.answers.items()}
        files, due = {"part1_linear_vs_relu.ipynb": _part1(filled)}, {"part1": attack.points}
        yield Case(f"Bandit {attack.student}", files, due, attack.remark, attack.aim, traces)
    yield from _hostile_files(traces)


def _hostile_files(traces) -> Iterator[Case]:
    forged = _part1({"q1b": "palier = 0.1\nconstante = 1"})
    flags = find(forged, "q1b-verification")["metadata"]["nbgrader"]
    flags.update(points=400, locked=False)
    find(forged, "q1b-reponse")["metadata"]["nbgrader"].update(grade=True, points=20, solution=False)
    extra = code("20.0") | {"metadata": {"nbgrader": flags | {"grade_id": "bonus"}}}
    insert_after(forged, "q1b-verification", extra, extra | {"metadata": {"nbgrader": flags}})
    aim = "forged nbgrader metadata"
    yield Case("Bandit Faussaire", {"part1.ipynb": forged}, {"part1": {}}, "Métadonnées de notation", aim)
    outside = zipped({"../../pirate.txt": "", "../pirate.ipynb": _part1(), "part1.ipynb": _part1()})
    aim = "zip with ../ paths"
    yield Case("Bandit Evade", {"tp.zip": outside}, {"part1": DUE}, "sort du dossier", aim, traces)
    linked = zipped({link("part1.ipynb"): "/etc/passwd"})
    yield Case("Bandit Lien", {"tp.zip": linked}, {}, "mais un lien", "zip with a symbolic link")
    yield Case("Bandit Bombe", {"tp.zip": _bomb()}, {}, "bombe de décompression", "zip bomb")
    answers = {"q1b": "cotes_valid = [28, 14, 10, 5, 1]", "q4b": 'modele_rendu = "best.keras"'}
    notebook, saved = answered(PART4, answers), hostile_files.lab_network()
    for name, change in hostile_files.hostile(Path("/etc/passwd")).items():
        if name in ("external link", "bomb in HDF5", "Lambda", "huge layer"):
            packed = zipped({"best.keras": hostile_files.rewritten(saved, change)})
            files = {"part4.ipynb": notebook, "rendu_partie4.zip": packed}
            student = "Bandit " + "".join(word.capitalize() for word in name.split())
            yield Case(student, files, {"part4": {"1.b": 1}}, hostile=f"saved model: {name}")


def _bomb() -> bytes:
    """Return a small zip that would become 2 GB: its directory lists one entry of zeros 200 times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("part1.ipynb", bytes(10_000_000))
        archive.filelist *= 200
    return buffer.getvalue()
