"""Answers that retrieve while they are written: generate, notice doubt, retrieve, switch experts, go on.

`draft` is what was generated since the accepted text, `uncertainty` and `dragin` judge it, `methods` decide, `queries`
ask, `loop` does it for a batch of questions, `trace` keeps what happened.
"""
