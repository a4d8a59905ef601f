"""What students really send is sorted: everyone gets a submission, nothing crashes or leaves its place."""

import json
import os
import unicodedata

import pytest

pytest.importorskip("nbgrader", reason="comes with instructor/requirements.txt")

from helpers.french import NBSP
from instructor import bounded
from instructor.collect import archives, notebooks
from instructor.collect.intake import collect
from instructor.editions import SOURCES, load_editions
from instructor.publish.release import student_edition
from instructor.records import Refused

from .school_class import make_class
from .sending import (
    EDITIONS,
    PART1,
    PART2,
    PART3,
    answered,
    as_bytes,
    code,
    encrypted,
    find,
    link,
    send,
    tarred,
    text,
    without_names,
    zipped,
)

ONE = answered(PART1, {"q1a": "prediction_1 = 0.3"})
TWO = answered(PART2, {"q1a": "prediction_1 = 50"})


@pytest.fixture
def collected(tmp_path):
    def collected(files, **options):
        return collect(send(tmp_path / "sent", files), tmp_path / "staging", **options)

    return collected


def here(function, *arguments, seconds=0):
    """Call what a test has changed, which another process would not know."""
    return function(*arguments)


def the_one(submissions):
    (submission,) = submissions
    return submission


def said(submission, *words):
    text = " ".join(submission.remarks).replace(NBSP, " ")
    return all(word in text for word in words)


def source(submission, part, name):
    return find(json.loads(submission.notebooks[part].read_text("utf-8")), name)["source"]


def test_a_zip_of_the_whole_class_inside_a_folder(tmp_path):
    files = {f"TP 1/Léa Roy_{n}_assignsubmission_file_/part{n}.ipynb": ONE for n in (1, 2)}
    path = tmp_path / "classe.zip"
    path.write_bytes(zipped({**files, "__MACOSX/TP 1/._x": b"\0", "TP 1/.DS_Store": b"\0"}))
    one, two = collect(path, tmp_path / "staging")
    assert (one.student, two.student) == ("lea-roy-1", "lea-roy-2")
    assert said(one, "Un autre étudiant s'appelle aussi Léa Roy")
    assert not list((tmp_path / "staging").glob(".*"))


def test_plain_folders_and_flat_files(collected):
    sent = [
        ("dupont/part1_linear_vs_relu.ipynb", ONE, "dupont", PART1),
        ("dupont/part2_initialization.ipynb", TWO, "dupont", PART2),
        ("Élodie Martin/tp.ipynb", ONE, "Élodie Martin", PART1),
        ("durand_part1.ipynb", ONE, "durand", PART1),
        ("Partie 2 durand.ipynb", TWO, "durand", PART2),
        ("tp_part1_roy.ipynb", ONE, "tp_roy", PART1),
        ("tp_part1_ray.ipynb", ONE, "tp_ray", PART1),
        ("part1_linear_vs_relu (1).ipynb", ONE, "part1_linear_vs_relu (1)", PART1),
        ("part1_linear_vs_relu (2).ipynb", ONE, "part1_linear_vs_relu (2)", PART1),
        ("李雷.zip", zipped({"x.ipynb": ONE}), "李雷", PART1),
        ("vide.zip", zipped({}), "vide", None),
        ("rapport.pdf", b"%PDF", "rapport.pdf", None),
    ]
    submissions = collected({path: content for path, content, *_ in sent})
    expected = {name: [part for _, _, one, part in sent if part and one == name] for _, _, name, _ in sent}
    assert {submission.name: sorted(submission.notebooks) for submission in submissions} == expected
    identifiers = [submission.student for submission in submissions]
    assert identifiers == sorted(set(identifiers))
    assert {"dupont", "durand", "vide"} < set(identifiers)
    assert all(name.isascii() and "/" not in name for name in identifiers)


def test_one_student_with_folders_is_not_taken_for_a_class(collected):
    assert the_one(collected({"dupont/rendu/part1.ipynb": ONE})).name == "dupont"


def test_an_empty_folder_and_junk_are_students_too(collected, tmp_path):
    (tmp_path / "sent" / "Ana_1_assignsubmission_file_").mkdir(parents=True)
    one, two = collected({"Bob_2_assignsubmission_file_/.DS_Store": b"\0"})
    assert (one.name, two.name) == ("Ana", "Bob")
    assert all(said(submission, "Aucun carnet n'a été reçu") for submission in (one, two))
    assert not one.unreadable + two.unreadable


def test_the_same_input_gives_the_same_result_and_the_digest_follows_the_content(collected, tmp_path):
    files = {"Zoé_12_assignsubmission_file_/rendu.zip": zipped({"part1.ipynb": ONE}), "autre/x.ipynb": TWO}
    first, again = collected(files), collected(files)
    assert first == again
    (tmp_path / "sent" / "autre" / "notes.txt").write_text("un fichier de plus")
    changed = collected({})
    assert [a.digest == b.digest for a, b in zip(first, changed, strict=True)] == [False, True]
    assert first[1].student == changed[1].student


def test_archives_in_archives_and_tar(collected):
    inner = zipped({"deep.zip": zipped({"deepest.zip": zipped({"part3.ipynb": ONE})}), "part1.ipynb": ONE})
    submission = the_one(collected({"a/tout.tar.gz": tarred({"x/dedans.zip": inner, "part2.ipynb": TWO})}))
    assert sorted(submission.notebooks) == [PART1, PART2]
    assert said(submission, "trop profondes")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("tp.zip", b"7z\xbc\xaf\x27\x1c", "le format 7z n'est pas lu ici"),
        ("tp.zip", b"\xfd7zXZ\0", "le format xz n'est pas lu ici"),
        ("tp.tar.bz2", b"BZh9", "le format bzip2 n'est pas lu ici"),
        *(
            ("tp.zip", zipped({"part1.ipynb": ONE})[:cut], "archive abîmée ou tronquée")
            for cut in (0, 10, -30)
        ),
        *(("tp.tar.gz", tarred({"part1.ipynb": ONE})[:cut], "tronquée") for cut in (0, 10, 900)),
    ],
    ids=range(9),
)
def test_archives_that_cannot_be_read_to_their_end(collected, name, content, why):
    assert said(the_one(collected({f"a/{name}": content})), name, why, "Aucun carnet")


def test_one_damaged_file_does_not_cost_the_others(collected, tmp_path):
    data = bytearray(zipped({"part2.ipynb": TWO, "part1.ipynb": ONE}))
    data[200:260] = bytes(60)
    submission = the_one(collected({"a/tp.zip": bytes(data)}))
    assert sorted(submission.notebooks) == [PART1]
    assert said(submission, "part2.ipynb", "fichier abîmé")
    (tmp_path / "into").mkdir()
    packed = tmp_path / "sent" / "a" / "tp.zip"
    taken = [sent.content for sent in archives.unpack(packed, tmp_path / "into", lambda path: archives.MB)]
    assert taken == [None, *(tmp_path / "into").iterdir()]  # of a damaged file nothing stays on the disk


def test_paths_and_links_that_lead_outside(collected, tmp_path):
    secret = send(tmp_path, {"secret.ipynb": TWO}) / "secret.ipynb"
    files = {
        "../../part1.ipynb": ONE,
        "/tmp/part1.ipynb": ONE,
        "C:\\part1.ipynb": ONE,
        link("part2_initialization.ipynb"): str(secret),
    }
    os.makedirs(tmp_path / "sent" / "b")
    (tmp_path / "sent" / "b" / "part2.ipynb").symlink_to(secret)
    (tmp_path / "sent" / "b" / "dossier").symlink_to(tmp_path)
    before = set(tmp_path.rglob("*"))
    packed, linked = collected({"a/tp.zip": zipped(files)})
    assert not packed.notebooks
    assert not linked.notebooks
    assert sum("sort du dossier" in remark for remark in packed.remarks) == 3
    assert said(packed, "mais un lien")
    assert said(linked, "« part2.ipynb »", "« dossier »", "mais un lien")
    outside = {path for path in tmp_path.rglob("*") if tmp_path / "staging" not in path.parents} - before
    assert {path.name for path in outside} <= {"staging", "a", "tp.zip"}


def test_decompression_bombs(collected, monkeypatch):
    monkeypatch.setattr(bounded, "call", here)
    monkeypatch.setattr(archives, "MAX_TOTAL", 2_000_000)
    monkeypatch.setattr(archives, "MAX_ENTRIES", 50)
    zeros = bytes(1_500_000)
    ratio, tar, entries, sum_of_all = collected(
        {
            "a/tp.zip": zipped({"part1.ipynb": ONE, "zeros.txt": zeros, "more.txt": zeros}),
            "b/tp.tar.gz": tarred({"zeros.txt": zeros, "more.txt": zeros, "part1.ipynb": ONE}),
            "c/tp.zip": zipped({f"{number}.txt": b"" for number in range(60)}),
            "d/tp.zip": zipped({f"{n}.ipynb": os.urandom(900_000) for n in range(3)}),
        }
    )
    assert said(ratio, "bombe de décompression")
    assert said(tar, "bombe de décompression")
    assert said(entries, "plus de 50 fichiers")
    assert said(sum_of_all, "trop gros une fois décompressé")


def test_a_zip_that_lies_about_a_size(collected):
    data = bytearray(zipped({"part1.ipynb": ONE}))
    place = data.index(b"PK\x01\x02") + 24
    data[place : place + 4] = (100).to_bytes(4, "little")
    submission = the_one(collected({"a/tp.zip": bytes(data)}))
    assert not submission.notebooks
    assert said(submission, "abîmé")


@pytest.mark.parametrize("name", [b"Fran\x87oise", "Françoise".encode()])
def test_names_in_old_encodings(collected, name):
    stand_in = b"#" * len(name)  # ASCII, so that the zip does not say which encoding it is in
    data = zipped({f"{stand_in.decode()}.ipynb": b""}).replace(stand_in, name)
    assert said(the_one(collected({"a/tp.zip": data})), "« tp/Françoise.ipynb » est refusé")


def test_a_file_name_that_is_not_utf8_on_disk(tmp_path):
    (tmp_path / "sent").mkdir()
    with open(os.path.join(os.fsencode(tmp_path / "sent"), b"Fran\x87oise.ipynb"), "wb") as file:
        file.write(as_bytes(ONE))
    submission = the_one(collect(tmp_path / "sent", tmp_path / "staging"))
    assert submission.name == "Françoise"
    assert PART1 in submission.notebooks


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (bytes(1000), "fichier vide"),
        (b"[" * 100_000, "JSON illisible"),
        (b'{"cells": [], "metadata": {"lab": ' + b"[" * 900 + b"]" * 900 + b"}}", "aucune des parties"),
        ({"cells": [code("")] * 3_000}, "3000 cellules"),
        (b'{"a": 1}', "pas un carnet"),
        (b"[]", "pas un carnet"),
        ({"cells": [3, None, code("1 + 1")]}, "n'est aucune des parties"),
    ],
)
def test_files_that_are_no_notebook_of_ours(collected, content, why):
    submission = the_one(collected({"a/rendu.ipynb": content}))
    assert not submission.notebooks
    assert said(submission, why, "rendu.ipynb")


@pytest.mark.parametrize("part", [PART1, PART2, PART3])
def test_a_renamed_notebook_is_known_by_its_content(collected, part):
    full = answered(part)
    lost = without_names(full)
    half = lost | {"cells": lost["cells"][len(lost["cells"]) // 2 :]}
    marked = {"cells": [code("1")], "metadata": {"lab": {"part": part}}}
    submissions = collected(
        {"a/tp.ipynb": full, "b/tp.ipynb": lost, "c/part2.ipynb": half, "d/tp.ipynb": marked}
    )
    assert [list(submission.notebooks) for submission in submissions] == [[part]] * 4
    assert said(submissions[1], "reconnu à son contenu")


def test_a_notebook_of_bare_answers(collected):
    bare = {"cells": [code("palier = .5\nconstante = 0"), code("taux = 3\ndeparts = 12\npart_basse = 1")]}
    by_content, by_name = collected({"a/tp.ipynb": bare, "b/Partie 2 final.ipynb": {"cells": [text("?")]}})
    assert list(by_content.notebooks) == [PART1]
    assert list(by_name.notebooks) == [PART2]
    assert said(by_name, "reconnu à son nom seulement")


CUT = as_bytes(ONE)[:9000]
PART4 = list(EDITIONS)[3]
FOUR = {f"a/{part}.ipynb": answered(part) for part in EDITIONS}


@pytest.mark.parametrize(
    ("files", "unreadable"),
    [
        ({"a/part1.ipynb": ONE, "a/Partie 2 (1).ipynb": CUT}, [PART2]),
        ({"a/part1.ipynb": ONE, "a/rendu.ipynb": CUT}, list(EDITIONS)[1:]),
        ({"a/part1.ipynb": ONE, "a/part3.zip": zipped({"x.ipynb": ONE})[:50]}, [PART3]),
        ({"a/part1.ipynb": ONE, "a/tp.zip": encrypted(zipped({"part2.ipynb": TWO}))}, [PART2]),
        ({"a/part1.ipynb": ONE, "a/part2.ipynb": TWO, "a/copie/part2.ipynb": CUT}, []),
        ({**FOUR, "a/rendu_partie4.zip": b"PK\x03\x04"}, [PART4]),
        ({**FOUR, "a/photos.rar": b"Rar!", "a/sauvegardes/x.keras": b"x"}, []),
        ({"a/part1.ipynb": ONE, "a/rapport.pdf": b"%PDF"}, []),
        ({"a/rapport.pdf": b"%PDF"}, list(EDITIONS)),
        ({"a/tp.zip": zipped({"rapport.pdf": b"%PDF"})}, list(EDITIONS)),
        ({"a/.DS_Store": b"\0", "a/tp.zip": zipped({})}, []),
    ],
    ids=range(11),
)
def test_what_cannot_be_read_is_not_missing(collected, files, unreadable):
    assert the_one(collected(files)).unreadable == unreadable


@pytest.mark.parametrize("part", EDITIONS)
def test_no_notebook_is_taken_for_another_part(part, tmp_path):
    """Whatever it lost on its way, in a pack that holds its part and in one that does not."""
    editions = load_editions()
    whole = student_edition(SOURCES / f"{part}.ipynb", "o/n", "main")
    without_metadata, without_title = whole | {"metadata": {}}, whole | {"cells": whole.cells[5:]}
    by_id_alone = without_title | {"metadata": {}}
    by_title_alone = without_names(whole)
    for lost in (whole, without_metadata, without_title, by_id_alone, by_title_alone):
        (tmp_path / "tp.ipynb").write_bytes(as_bytes(lost))
        notebook = notebooks.read(tmp_path / "tp.ipynb")
        assert notebooks.which_part(notebook, "tp.ipynb", editions)[0] == part
        for other in set(editions) - {part}:
            alone = {other: editions[other]}
            assert notebooks.which_part(notebook, "tp.ipynb", alone)[0] is None


def test_the_fullest_then_latest_duplicate_counts(collected, tmp_path):
    fuller = answered(PART1, {"q1a": "prediction_1 = 0.4", "q3a": "prediction_3 = 0.2"})
    later = answered(PART1, {"q1a": "prediction_1 = 0.5", "q3a": "prediction_3 = 0.2"})
    files = {"a/part1 (2).ipynb": ONE, "a/part1.ipynb": fuller, "a/.ipynb_checkpoints/part1.ipynb": later}
    full = the_one(collected(files))
    assert source(full, PART1, "q1a-reponse") == "prediction_1 = 0.4"
    assert said(full, "« part1.ipynb » est noté", "pas « part1 (2).ipynb »")
    send(tmp_path / "sent", {"a/z.ipynb": later})
    os.utime(tmp_path / "sent" / "a" / "part1.ipynb", (1e9, 1e9))
    assert source(the_one(collected({})), PART1, "q1a-reponse") == "prediction_1 = 0.5"


def test_identical_copies_need_no_remark(collected):
    assert not the_one(collected({"a/part1.ipynb": ONE, "a/copie/part1.ipynb": ONE})).remarks


def test_what_part_4_saved_keeps_its_layout(collected, tmp_path):
    files = {
        "rendu/tp/part1.ipynb": ONE,
        "rendu/tp/sauvegardes/cnn/histoire.csv": "epoque,perte\n",
        "rendu/tp/sauvegardes/cnn/etat.json": "{}",
        "rendu/tp/modele.keras": b"PK",
        "rendu/simple-45000/history.csv": "epoch\n",
        "rendu/tp/base.weights.h5": b"HDF",
        "rendu/tp/notes.csv": "1",
        "rendu/tp/helpers/config.py": "pass",
    }
    submission = the_one(collected({"a/tp.zip": zipped(files), "a/best.keras": b"PK"}))
    saved = submission.folder / "part4"
    assert sorted(path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()) == [
        "base.weights.h5",
        "best.keras",
        "history.csv",
        "modele.keras",
        "sauvegardes/best.keras",
        "sauvegardes/cnn/etat.json",
        "sauvegardes/cnn/histoire.csv",
        "sauvegardes/simple-45000/history.csv",
    ]
    assert said(submission, "laissés de côté", "notes.csv", "config.py")


def test_a_saved_model_too_large(collected):
    submission = the_one(collected({"a/part1.ipynb": ONE, "a/modele.keras": 61_000_000}))
    assert said(submission, "61 Mo, au plus 60 Mo")
    assert not (submission.folder / "part4").exists()


def test_an_unforeseen_failure_costs_one_student_a_remark(collected, monkeypatch):
    def fail(path):
        raise MemoryError

    monkeypatch.setattr(bounded, "call", here)
    monkeypatch.setattr(notebooks, "read", fail)
    one, two = collected({"a/part1.ipynb": ONE, "b/rapport.pdf": b""})
    assert said(one, "erreur MemoryError", "à la main")
    assert not said(two, "MemoryError")


def test_a_whole_class_is_sorted_and_nobody_is_lost(tmp_path):
    expected = make_class(tmp_path / "class")
    submissions = {
        submission.student: submission for submission in collect(tmp_path / "class", tmp_path / "staging")
    }
    assert len(expected) >= 40
    assert sum(bool(one.hostile) for one in expected) >= 12
    assert sorted(submissions) == sorted(one.student for one in expected)
    for one in expected:
        submission = submissions[one.student]
        assert submission.name == unicodedata.normalize("NFC", one.name)
        assert submission.participant == one.student.rpartition("-")[2]
        assert sorted(name.partition("_")[0] for name in submission.notebooks) == sorted(one.points)
        if not one.points:
            assert said(submission, one.remark), submission.remarks
        elif not one.remark:
            assert not submission.remarks
        assert not any(path.exists() for path in one.traces)


def test_refusals(tmp_path):
    with pytest.raises(Refused, match="Aucun rendu"):
        collect(tmp_path / "absent", tmp_path / "staging")
    (tmp_path / "vide").mkdir()
    with pytest.raises(Refused, match="est vide"):
        collect(tmp_path / "vide", tmp_path / "staging")
    path = send(tmp_path, {"classe.zip": b"PK\x03\x04"}) / "classe.zip"
    with pytest.raises(Refused, match=r"classe\.zip"):
        collect(path, tmp_path / "staging")
