"""Answers that retrieve while they are written: generate, notice doubt, retrieve, switch experts, go on.

`draft` is what was generated since the accepted text, `uncertainty` and `dragin` judge it, `methods` decide, `queries`
ask, `loop` does it for a batch of questions, `trace` keeps what happened.
"""

from semoe.generation.switching.act import Act, Ready
from semoe.generation.switching.loop import Switching
from semoe.generation.switching.methods import Method, make_method, methods
from semoe.generation.switching.queries import formulations
from semoe.generation.switching.settings import SwitchSettings
from semoe.generation.switching.trace import Answered, Counters, Switch, Trace

__all__ = [
    "Act",
    "Answered",
    "Counters",
    "Method",
    "Ready",
    "Switch",
    "SwitchSettings",
    "Switching",
    "Trace",
    "formulations",
    "make_method",
    "methods",
]
