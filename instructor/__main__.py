"""Commands of the instructor's kit: ``python -m instructor release``, ``measure``, ``grade`` …"""

import argparse
import functools
import os
import shlex
import sys
from pathlib import Path

from helpers.setup.python import NotReady, require

from .editions import ROOT, chosen, parts
from .publish import package, release
from .records import Refused
from .report import formgrader, manual_csv, moodle, results, write
from .sandbox.inside.limits import Limits


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m instructor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for add in (add_release, add_measure, add_grade, add_report, add_export, add_why):
        add(commands)
    options = parser.parse_args()
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("interrupted; what is marked is kept, run the same command to go on", file=sys.stderr)
        return 130
    except (Refused, OSError, NotReady) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


def add_release(commands) -> None:
    command = commands.add_parser("release", help="build the student edition and the correction")
    command.add_argument("--repository", help="OWNER/NAME, public; what is given here is kept for next time")
    command.add_argument("--ref", help="tag, branch or commit that badges open")
    _add_parts(command, "that students get")
    command.add_argument("--to", type=Path, default=ROOT / "dist", help="folder to write; by default dist")
    command.add_argument("--force", action="store_true", help="overwrite notebooks that hold someone's work")
    command.set_defaults(run=run_release)


def run_release(options) -> None:
    repository, ref = release.address(options.repository, options.ref)
    package.refuse_tracked(options.to)
    build = functools.partial(package.build, target=options.to, repository=repository, ref=ref)
    _say_written(release.release(repository, ref, options.parts, force=options.force, build=build))
    print(package.next_steps(options.to, repository, ref))


def add_measure(commands) -> None:
    command = commands.add_parser("measure", help="tell what other data would change, for a resit")
    text = "of the data, such as 0.7; several are only screened"
    command.add_argument("--seed", required=True, nargs="+", action="extend", metavar="S", help=text)
    _add_parts(command, "by default, those of the pack")
    command.set_defaults(run=run_measure)


def run_measure(options) -> None:
    from .publish.measure import measure  # noqa: PLC0415  (numpy)

    for line in measure(options.seed, options.parts):
        print(line, flush=True)


def add_grade(commands) -> None:
    command = commands.add_parser("grade", help="mark what a class sent, each submission isolated")
    command.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="folder or zip from Moodle")
    command.add_argument("--out", type=Path, required=True, metavar="RESULTS", help="folder to write")
    command.add_argument("--jobs", type=_positive(int), default=2, metavar="N", help="submissions at a time")
    command.add_argument(
        "--time", type=_positive(float), default=120, metavar="S", help="seconds for one cell; 120"
    )
    command.add_argument(
        "--memory", type=_positive(float), default=4, metavar="GB", help="of each submission; 4"
    )
    _add_cifar10(command)
    _add_settings(command)
    command.add_argument("--unsafe", action="store_true", help="no isolation: for submissions you trust")
    command.set_defaults(run=run_grade)


def run_grade(options) -> None:
    require()  # TensorFlow, without its log
    from .marking import grade  # noqa: PLC0415

    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise Refused("--out: name a folder outside of SUBMISSIONS, where it would be one more student's")
    asked = _settings(options)
    limits = Limits(cell=options.time, notebook=5 * options.time, memory=int(options.memory * 2**30))
    grade.grade(
        options.submissions,
        options.out,
        options.jobs,
        limits,
        options.unsafe,
        options.cifar10,
        begin=lambda: results.settings(options.out, **asked),
    )
    _write_reports(options.out)


def _positive(kind):
    def read(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value

    return read


def add_report(commands) -> None:
    command = commands.add_parser("report", help="rebuild the reports after marks were typed")
    command.add_argument("results", type=Path, metavar="RESULTS", help="folder that grade filled")
    _add_settings(command)
    command.add_argument("--worksheet", type=Path, metavar="FILE", help="Moodle's, which says who was late")
    command.set_defaults(run=run_report)


def run_report(options) -> None:
    if not results.load(options.results):
        raise Refused(f"{options.results} holds no results; run `grade` first")
    if options.worksheet:
        moodle.keep(options.results, options.worksheet)
    results.settings(options.results, **_settings(options))
    _write_reports(options.results)


def _write_reports(folder):
    _say_written(write.write_reports(folder))
    for line in manual_csv.unused(folder / "manual.csv"):
        print(line)
    names = results.settings(folder)["parts"]
    print(f"parts that count: {', '.join(names)} (--parts changes it)")
    python, course = shlex.quote(sys.executable), shlex.quote(str((folder / formgrader.COURSE).resolve()))
    print(f"formgrader: (cd {course} && {python} -m jupyterlab), then open /formgrader")


def _say_written(paths):
    for path in paths:
        print(f"written: {path}")


def add_export(commands) -> None:
    command = commands.add_parser("export", help="write the marks file that Moodle imports")
    command.add_argument("results", type=Path, metavar="RESULTS", help="folder that grade filled")
    kind = command.add_mutually_exclusive_group(required=True)
    kind.add_argument("--moodle", action="store_true", help="the assignment's offline grading worksheet")
    kind.add_argument("--moodle-gradebook", action="store_true", help="a CSV for the gradebook")
    command.add_argument("--worksheet", type=Path, metavar="FILE", help="the worksheet, from Moodle; needed")
    command.add_argument("--out", type=Path, metavar="FILE", help="by default in RESULTS")
    _add_parts(command, "that count; by default all asked")
    command.add_argument("--scale", type=float, help="grade for full marks; the worksheet's, or 20")
    command.add_argument("--partial", action="store_true", help="leave students with unmarked answers out")
    command.set_defaults(run=run_export)


def run_export(options) -> None:
    path, notes = moodle.export(
        options.results,
        options.worksheet,
        options.out,
        options.parts,
        options.scale,
        options.moodle_gradebook,
        options.partial,
    )
    _say_written([path])
    print(*notes, sep="\n")


def add_why(commands) -> None:
    command = commands.add_parser("why", help="replay one question of a student, and print all of it")
    command.add_argument("results", type=Path, metavar="RESULTS", help="folder that grade filled")
    command.add_argument("student", metavar="STUDENT", help="identifier or name")
    command.add_argument("question", metavar="QUESTION", help="such as 2.b")
    _add_parts(command, "by default all that were asked")
    command.add_argument("--submissions", type=Path, help="what was graded, for the files of Part 4")
    _add_cifar10(command)
    command.set_defaults(run=run_why)


def run_why(options) -> None:
    from .why import why  # noqa: PLC0415  (TensorFlow)

    asked = (options.question, options.parts, options.submissions, options.cifar10)
    for line in why(options.results, options.student, *asked):
        print(line)


def _add_parts(command, meaning) -> None:
    command.add_argument("--parts", type=int, nargs="+", action="extend", metavar="N", help=meaning)


def _add_cifar10(command) -> None:
    known = os.environ.get("CIFAR10_DIR") or None
    text = "CIFAR-10, for Part 4; or $CIFAR10_DIR"
    command.add_argument("--cifar10", type=Path, default=known, metavar="DIR", help=text)


def _add_settings(command) -> None:
    _add_parts(command, "that count; kept in RESULTS; by default the pack's")
    text = "tables for a French spreadsheet; kept too"
    command.add_argument("--excel", action=argparse.BooleanOptionalAction, help=text)


def _settings(options) -> dict:
    return {"parts": options.parts and chosen(options.parts, parts()), "excel": options.excel}


if __name__ == "__main__":
    sys.exit(main())
