"""Brings the supervisor up: hardens itself, loads the scientific stack once, then serves."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import socket
import sys

from . import hardening
from .supervisor import Supervisor

PRELOADED = ("numpy", "pandas", "matplotlib.pyplot", "matplotlib.animation", "PIL.Image")
# As in src/sandbox/docker/host-socket.ts.
HOST_SOCKET = "/run/gantry/host"
BAKED_FONT_CACHE = "/opt/gantry/matplotlib"


def boot(workspace: str, preload: bool) -> None:
    # Whatever started this may have left files open that are not for it.
    os.closerange(3, 1 << 20)
    _meet_host()
    hardening.harden_supervisor()
    # BLAS threads count against the container's process limit and do not survive a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _copy_font_cache()
    loaded = _preload() if preload else []
    # Everything loaded so far is shared with each fork; keep the collector from touching its pages.
    gc.collect()
    gc.freeze()
    Supervisor(workspace, loaded).serve()


def _meet_host() -> None:
    """A socket of the host, where there is one, takes the place of stdin and stdout: it is faster than an engine."""
    with socket.socket(socket.AF_UNIX) as host:
        try:
            host.connect(HOST_SOCKET)
        except OSError:
            return
        os.dup2(host.fileno(), 0)
        os.dup2(host.fileno(), 1)


def _copy_font_cache() -> None:
    """matplotlib rebuilds a cache that it cannot write to, so it gets a writable copy."""
    target = "/tmp/.matplotlib"
    if not os.path.isdir(BAKED_FONT_CACHE):
        return
    os.environ["MPLCONFIGDIR"] = target
    try:
        shutil.copytree(BAKED_FONT_CACHE, target, dirs_exist_ok=True)
    except OSError as error:
        print(f"font cache not copied: {error}", file=sys.stderr)


def _preload() -> list[str]:
    loaded = []
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        loaded.append(name)
    if "matplotlib.pyplot" in loaded:
        # Chosen now, or each session's first figure would wait for it.
        sys.modules["matplotlib.pyplot"].switch_backend("Agg")
    return loaded
