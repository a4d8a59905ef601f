"""``python -m helpers``: is this computer ready, and if not, what to do."""

import sys

from .setup.report import main

sys.exit(main())
