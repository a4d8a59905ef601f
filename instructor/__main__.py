"""Command line of the instructor's kit: ``python -m instructor release``, then ``grade``."""

import argparse
import sys
from pathlib import Path

from . import package, release


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m instructor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("release", help="build the student edition and the correction")
    command.add_argument("--repository", help="OWNER/NAME on GitHub; by default that of pyproject.toml")
    command.add_argument("--ref", help="tag, branch or commit to open; by default that of pyproject.toml")
    command.add_argument(
        "--to", type=Path, default=release.ROOT / "dist", help="folder to write; by default dist"
    )
    command.add_argument("--force", action="store_true", help="overwrite notebooks that hold someone's work")
    options = parser.parse_args()
    try:
        repository, ref = release.address(options.repository, options.ref)
        notebooks = release.release(repository, ref, force=options.force)
        for path in [*notebooks, *package.build(notebooks, options.to, repository, ref)]:
            print(f"written: {path}")
    except release.ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
