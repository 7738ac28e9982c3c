"""Notes when a process first asks a T5: Python imports this file by itself where its folder is on the path.

The time goes into the file that FIRST_REQUEST names. Nothing is imported before its time, which would be
part of what is measured.
"""

import importlib.util
import os
import sys
import time

MODULE, CLASS = "transformers.models.t5.modeling_t5", "T5Stack"


class Watch:
    """A finder that lets the others find MODULE, and changes it once it is there."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def executed(module):  # type: ignore[no-untyped-def]
            execute(module)
            noted(getattr(module, CLASS))

        spec.loader.exec_module = executed
        return spec


def noted(stack):  # type: ignore[no-untyped-def]
    """Have the first call of `stack` write down the time."""
    forward = stack.forward

    def first(self, *arguments, **more):  # type: ignore[no-untyped-def]
        stack.forward = forward
        with open(os.environ["FIRST_REQUEST"], "x") as file:
            file.write(repr(time.time()))
        return forward(self, *arguments, **more)

    stack.forward = first


if "FIRST_REQUEST" in os.environ:
    sys.meta_path.insert(0, Watch())
