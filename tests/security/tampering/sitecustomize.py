"""Python reads this at the start of every process of a served shop under test (its folder lies on their PYTHONPATH): two
places of the product get a bug that blurts out all it knows. The product knows nothing of it."""

import importlib.abc
import importlib.machinery
import os
import sys

#: Orders with this in their reference meet the bugs.
FAULTY = "faulty"


def _blurting(why, subject):
    """What a careless line of ours would raise: everything that it has in hand, in the error's own words."""
    known = {name: value for name, value in os.environ.items() if name.startswith(("CARDPIPE_", "AWS_", "PLANTED"))}
    return RuntimeError(f"{why}: {subject!r} with {known!r}")


def _explain(module):
    right = module.explain

    def explain(shop, scope, stored):
        if FAULTY in stored.reference:
            raise _blurting("cannot explain", stored.request)
        return right(shop, scope, stored)

    module.explain = explain


def _compose(module):
    right = module.make

    def make(shop, piece):
        if FAULTY in piece.reference:
            raise _blurting("cannot compose", piece)
        return right(shop, piece)

    module.make = make


class Finder(importlib.abc.MetaPathFinder):
    """Lets modules load as they are, and then lays hands on two of them."""

    after = {"cardpipe.pipeline.explain": _explain, "cardpipe.pipeline.compose": _compose}

    def find_spec(self, name, path, target=None):
        if name not in self.after:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            self.after[name](module)

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Finder())
