"""How the long-running processes begin: ``python -m cardpipe.worker.begin supervise``, ``dispatch`` or ``crew …``.

Loading some thousand modules makes a million objects that stay, and looking through them for rubbish again and again
takes a fifth of the time to start; so that looking begins afterwards, and never touches what was loaded: pages that a
fork shares stay shared. The supervisor loads what its children need, since it forks them (``worker.forked``).
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module

_ALL = ("wiring", "worker.app", "pipeline.duties", "catalog.shelf")
#: Each process, and what else of cardpipe it loads before it begins: what it, or those that it forks, will ask for.
WHO = {
    "supervise": ("worker.dispatch", "worker.crew", *_ALL),
    "dispatch": ("wiring", "worker.app", "pipeline.duties"),
    "crew": ("catalog.shelf",),
}


def load(who: str) -> Callable[[], None]:
    """Load that process's module and what else it will ask for; its main."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's own threads: several workers run beside each other
    gc.disable()
    for name in WHO[who]:
        import_module(f"cardpipe.{name}")
    module = import_module(f"cardpipe.worker.{who}")
    gc.freeze()
    gc.enable()
    main: Callable[[], None] = module.main
    return main


def main() -> None:
    """Load that process's module, and run it."""
    load(sys.argv[1])()


if __name__ == "__main__":
    main()
