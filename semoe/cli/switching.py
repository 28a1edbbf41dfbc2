"""Options of answers that retrieve while they are written, under their published names; for `inference` and `plan`."""

from dataclasses import fields
from typing import Annotated, Any

import typer

from semoe.errors import UsageError
from semoe.generation.switching import SwitchSettings, formulations, make_method, methods
from semoe.language import Language

Method = Annotated[
    str | None,
    typer.Option(
        "--method", help=f"Retrieve while answering: {', '.join(methods)}. Default: once, with the question, before."
    ),
]
QueryFormulation = Annotated[
    str | None, typer.Option("--query_formulation", help=f"{', '.join(formulations)}; default: the method's first.")
]
Threshold = Annotated[
    float, typer.Option("--hallucination_threshold", help="A sentence above it is doubted; dragin: 0.6 to 1.5.")
]
SentenceSolver = Annotated[str, typer.Option("--sentence_solver", help="avg, max, min: over a sentence's names.")]
EntitySolver = Annotated[str, typer.Option("--entity_solver", help="avg, max, min, first: over a name's tokens.")]
Entityless = Annotated[
    str, typer.Option("--entityless", help="Without names: tokens (its content words), or skip (published).")
]
RetrieveTopk = Annotated[int, typer.Option("--retrieve_topk", min=1, help="Passages of each retrieval.")]
KeepTopK = Annotated[
    int, typer.Option("--retrieve_keep_top_k", min=1, help="Words or tokens of real_words and last_n_tokens.")
]
CheckRealWords = Annotated[
    bool, typer.Option("--check_real_words", help="dragin: only words that carry meaning shape the query.")
]
FixLength = Annotated[int, typer.Option("--fix_length", min=1, help="fix-length-retrieval: tokens between two.")]
MaxLength = Annotated[int, typer.Option("--generate_max_length", min=1, help="With --method: tokens of an answer.")]
MaxSwitches = Annotated[int, typer.Option("--max_switches", min=1, help="Retrievals of one answer.")]
Missing = Annotated[
    str, typer.Option("--missing", help="A passage without an expert: skip, icl (into the prompt), train (make it).")
]
DEFAULT = SwitchSettings()
_WITH_METHOD = [one.name for one in fields(SwitchSettings) if one.name not in ("method", "query_formulation")]


def switch_settings(given: dict[str, Any]) -> SwitchSettings | None:
    """Gathers the options among a verb's arguments; None without --method.

    Raises:
        UsageError: a value out of range, or a query formulation that makes no sense with the method.
    """
    if given["method"] is None:
        stray = [name for name in _WITH_METHOD if given[name] != getattr(DEFAULT, name)]
        if stray or given["query_formulation"]:
            raise UsageError(f"--{[*stray, 'query_formulation'][0]} says nothing without --method.", kind="options")
        return None
    own = {one.name: given[one.name] for one in fields(SwitchSettings)}
    own["query_formulation"] = given["query_formulation"] or methods[given["method"]].formulations[0]
    settings = SwitchSettings(**own)
    make_method(settings, Language())
    return settings
