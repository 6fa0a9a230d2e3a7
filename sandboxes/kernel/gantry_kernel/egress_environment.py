"""What programs in the sandbox have to know to find the way out. Used by the supervisor, whose children inherit
it, and by the interpreter that was forked before."""

from __future__ import annotations

import os
import site
import sys


def apply(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    if "PYTHONUSERBASE" not in environment:
        return
    # Python looks for it only as it starts, and only if it is there.
    site.USER_BASE = site.USER_SITE = None
    packages = site.getusersitepackages()
    os.makedirs(packages, exist_ok=True)
    if packages not in sys.path:
        sys.path.append(packages)
