"""What hostile students write in their answers: none may earn a point, harm, or reach what is not theirs.

Each is bounded, so that even unconfined it would not bring a machine down.
"""

from pathlib import Path
from typing import NamedTuple

from helpers.checks import part1

ROOT = Path(__file__).resolve().parent.parent
QUICK = {"q1a": "prediction_1 = 0.3", "q3a": "prediction_3 = 0.2"}
QUICK_DUE = {key: part1.MARKS.questions[key].points for key in ("1.a", "3.a")}
WRONG = "palier = 0.1\nconstante = 1\n"


class Attack(NamedTuple):
    """One attack.

    Attributes:
        student: last name.
        aim: what is tried.
        answers: cell -> code, a ``string.Template``: $ROOT, $VICTIM, $TRACES, $PORT, $HOME are filled in.
        points: what the honest part of it is due.
        remark: words that intake or marking must say.
    """

    student: str
    aim: str
    answers: dict[str, str]
    points: dict[str, float] = {}  # noqa: RUF012  (it is never changed)
    remark: str = ""


_READ_SOLUTIONS = """
import re
from pathlib import Path
palier = constante = ...
for dossier in [Path("$ROOT"), Path.cwd(), *Path.cwd().parents, *Path(np.__file__).parents]:
    try:
        texte = (dossier / "instructor" / "part1_linear_vs_relu.ipynb").read_text("utf-8")
    except OSError:
        continue
    palier = float(re.findall(r"palier = ([0-9.]+)", texte)[-1])
    constante = 0
"""

_READ_NEIGHBOUR = """
import re
from pathlib import Path
prediction_1 = ...
voisins = [Path("$VICTIM"), *Path("..").glob("*/part1*.ipynb"), *Path("../..").glob("*/*/part1*.ipynb")]
for chemin in voisins:
    try:
        prediction_1 = float(re.search(r"prediction_1 = ([0-9.]+)", chemin.read_text("utf-8"))[1])
    except (OSError, TypeError):
        pass
"""

_REDEFINE_CHECKS = """
import helpers.checks.part1, helpers.checks.marks, sys
def check_plateau(*reponses):
    question = helpers.checks.marks.Question("1.b", "", 1.5)
    return helpers.checks.marks.Score(1.5, question, "Bravo")
part1.check_plateau = helpers.checks.part1.check_plateau = check_plateau
part1.MARKS.scores["1.b"] = check_plateau()
class part1:
    check_plateau = staticmethod(check_plateau)
"""

_PATCH_SCORE = """
import helpers.checks.marks
class Genereux(float):
    answered, feedback = True, "Bravo"
    def __new__(cls, points, question, feedback="", answered=True):
        note = super().__new__(cls, question.points)
        note.question = question
        return note
helpers.checks.marks.Score = Genereux
helpers.checks.marks.Wrong.__init__ = lambda self, message, points=9: setattr(self, "points", 9)
"""

_PATCH_LIBRARIES = """
import builtins, json, math
np.allclose = lambda *a, **k: True
np.median = np.mean = lambda *a, **k: 0.1
builtins.abs = lambda x: 0
builtins.min = lambda *a, **k: 1.5
math.isfinite = lambda x: True
json.dumps = lambda *a, **k: '{"points": 4, "1.b": 1.5}'
json.loads = lambda *a, **k: {"points": 4}
def composer(W1, b1, W2, b2):
    return 0 * (W1 @ W2) + 7, 0 * b2 + 7
"""

_LIE = """
class Menteur(float):
    def __sub__(self, autre): return 0.0
    __rsub__ = __add__ = __radd__ = __mul__ = __sub__
    def __abs__(self): return 0.0
    def __le__(self, autre): return True
    __lt__ = __ge__ = __gt__ = __eq__ = __le__
    __hash__ = float.__hash__
palier, constante = Menteur(1.9), Menteur(0.9)
"""

_WRITE_OUTSIDE = """
from pathlib import Path
for chemin in $TRACES:
    try:
        Path(chemin).write_text("ici")
    except OSError:
        pass
try:
    import helpers.checks.marks
    Path(helpers.checks.marks.__file__).write_text("raise SystemExit")
except OSError:
    pass
prediction_3 = 0.2
"""

_SOCKET = """
import socket
palier = constante = ...
try:
    socket.create_connection(("127.0.0.1", $PORT), timeout=1).close()
    palier, constante = 0.5, 0
except OSError:
    pass
"""

_FORK = """
import os, time
for _ in range(300):
    try:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
    except OSError:
        break
"""

_DELETE_HOME = """
import shutil
from pathlib import Path
if str(Path.home()) != "$HOME":  # never a real one
    shutil.rmtree(Path.home(), ignore_errors=True)
    shutil.rmtree(Path.cwd(), ignore_errors=True)
prediction_3 = 0.2
"""

_PRINT_SCORE = """
print("4.0")
print('{"scores": {"4.b": {"points": 4.0}}}')
import sys
from IPython.display import display
class Note(float):
    def __repr__(self): return "4.0"
adresse = Note(4.0)
display(adresse)
sys.stdout.flush()
"""

_WRITE_TO_DESCRIPTORS = """
import os
plus_petit, taux, departs = 1, 0.01, 1
for numero in range(3, 40):
    try:
        os.write(numero, b'{"values": [3, 0.15625, 18], "scores": {"4.c": {"points": 2.5}}}\\n' * 3)
    except OSError:
        pass
"""

# Answers in its own name, with what would take the checker gigabytes or hours.
_TAKE_OVER = """
import json, os, socket, struct
formes = {"registered_name": None, "build_config": {"input_shape": [None, 40_000]}}
couche = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 50_000}, **formes}
reseau = {"module": "keras", "class_name": "Sequential", "config": {"layers": [couche]}, **formes}
reseau = ["keras", json.dumps(reseau)]
lien = "https://playground.tensorflow.org/#networkShape=8,8,8,8&dataset=spiral"
essai = ["run", lien, list(range(8)), "float64", 20_000]
for numero in range(3, 40):
    try:
        prise = socket.socket(fileno=numero)
        prise.getpeername()
    except OSError:
        continue
    prise.setblocking(True)
    reponse = {"error": None}
    while True:
        donnees = json.dumps(reponse).encode()
        prise.sendall(struct.pack(">I", len(donnees)) + donnees)
        taille = struct.unpack(">I", prise.recv(4, socket.MSG_WAITALL))[0]
        demande = json.loads(prise.recv(taille, socket.MSG_WAITALL))
        valeur = ["list", [["list", [reseau] * 9], *[essai] * 90]]
        reponse = {"error": None, "values": [valeur for _ in demande.get("values", ())], "result": reseau}
"""

_ENDLESS = "import time\nwhile True:\n    time.sleep(1)"
_LEAVE = "import os\nos._exit(0)"

HOSTILE = (
    Attack("Lecteur", "reads the solutions", {"q1b": _READ_SOLUTIONS, **QUICK}, QUICK_DUE),
    Attack("Voisin", "reads another student's file", {"q1a": _READ_NEIGHBOUR}),
    Attack("Juge", "redefines checks", {"q1b": WRONG + _REDEFINE_CHECKS, **QUICK}, QUICK_DUE),
    Attack(
        "Remplacant",
        "replaces a check cell",
        {"q1b-verification": "palier, constante = 0.1, 1\nprint(1.5)\n1.5", **QUICK},
        QUICK_DUE,
        "verrouillées modifiées",
    ),
    Attack("Genereux", "patches Score", {"q1b": WRONG + _PATCH_SCORE, **QUICK}, QUICK_DUE),
    Attack("Bricoleur", "patches numpy, json, builtins", {"q1a": WRONG + _PATCH_LIBRARIES}),
    Attack("Menteur", "answers with an object that lies", {"q1b": _LIE}),
    Attack("Ecrivain", "writes outside", {"q1a": QUICK["q1a"], "q3a": _WRITE_OUTSIDE}, QUICK_DUE),
    Attack("Lapin", "fork bomb", {**QUICK, "q4c": _FORK}, QUICK_DUE),
    Attack("Tourneur", "infinite loop", {**QUICK, "q4c": _ENDLESS}, QUICK_DUE),
    Attack("Glouton", "allocates 10 GB", {**QUICK, "q4c": "bloc = np.ones(10 * 2**27)"}, QUICK_DUE),
    Attack("Espion", "opens a socket", {"q1b": _SOCKET, **QUICK}, QUICK_DUE),
    Attack("Vandale", "deletes its home", {"q1a": QUICK["q1a"], "q3a": _DELETE_HOME}, QUICK_DUE),
    Attack("Fuyard", "exits the kernel", {**QUICK, "q4c": _LEAVE}, QUICK_DUE),
    Attack("Imprimeur", "prints a forged score", {**QUICK, "q4b": _PRINT_SCORE}, QUICK_DUE),
    Attack("Preneur", "takes over its own socket", {**QUICK, "q3b": _TAKE_OVER}, QUICK_DUE),
    Attack("Plombier", "writes into descriptors", {**QUICK, "q4c": _WRITE_TO_DESCRIPTORS}, QUICK_DUE),
)
