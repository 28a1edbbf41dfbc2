"""Options of answers that retrieve while they are written, under their published names; for `inference` and `plan`."""

from dataclasses import fields
from typing import Annotated, Literal

import typer

from semoe.cli.option_groups import among, option_group
from semoe.errors import UsageError
from semoe.generation.switching.methods import known_method, make_method, methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.language import Language

DEFAULT = SwitchSettings()
METHODS = tuple(methods)
FORMULATIONS = tuple(dict.fromkeys(name for method in METHODS for name in methods[method].formulations))


@option_group("Retrieving while answering (with --method)", table="switching")
class SwitchOptions:
    """When and with what to retrieve."""

    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            autocompletion=among(*METHODS),
            help=f"Retrieve while answering: {', '.join(METHODS)}. Default: once, with the question, before.",
        ),
    ] = None
    query_formulation: Annotated[
        str | None,
        typer.Option(
            "--query_formulation",
            autocompletion=among(*FORMULATIONS),
            help=f"What to ask with: {', '.join(FORMULATIONS)}. Default: the first that the method has.",
        ),
    ] = None
    hallucination_threshold: Annotated[
        float,
        typer.Option(
            "--hallucination_threshold",
            help="Doubt a sentence whose uncertainty is above this: 0 to 1; for dragin and attn_prob 0.6 to 1.5.",
        ),
    ] = DEFAULT.hallucination_threshold
    sentence_solver: Annotated[
        str, typer.Option("--sentence_solver", help="A sentence's uncertainty from its names': avg, max, min.")
    ] = DEFAULT.sentence_solver
    entity_solver: Annotated[
        str, typer.Option("--entity_solver", help="A name's uncertainty from its tokens': avg, max, min, first.")
    ] = DEFAULT.entity_solver
    entityless: Annotated[
        str,
        typer.Option(
            "--entityless",
            help="A sentence without names: tokens (look at its content words), skip (never doubt it, published).",
        ),
    ] = DEFAULT.entityless
    after_retrieval: Annotated[
        str,
        typer.Option(
            "--after_retrieval",
            autocompletion=among("judge", "accept"),
            help="What is written after a retrieval: judge (it may be doubted again) or accept (published: all of it "
            "stays). dragin accepts its first sentence either way.",
        ),
    ] = DEFAULT.after_retrieval
    closing: Annotated[
        str,
        typer.Option(
            "--closing",
            autocompletion=among("any", "published"),
            help='When "the answer is" ends the search: any (capitals too, at any time) or published (small letters, '
            "after a retrieval).",
        ),
    ] = DEFAULT.closing
    retrieve_topk: Annotated[int, typer.Option("--retrieve_topk", min=1, help="Passages of each retrieval.")] = (
        DEFAULT.retrieve_topk
    )
    retrieve_keep_top_k: Annotated[
        int,
        typer.Option(
            "--retrieve_keep_top_k",
            min=1,
            help="Words or tokens to ask with, for the query formulations real_words and last_n_tokens.",
        ),
    ] = DEFAULT.retrieve_keep_top_k
    retrieve_keep_ratio: Annotated[
        float | None,
        typer.Option(
            "--retrieve_keep_ratio",
            help="real_words: a share of the words, up to 1, in place of a number of them.",
        ),
    ] = DEFAULT.retrieve_keep_ratio
    check_real_words: Annotated[
        bool,
        typer.Option(
            "--check_real_words/--no-check_real_words", help="dragin: ask with words that carry meaning alone."
        ),
    ] = DEFAULT.check_real_words
    fix_length: Annotated[
        int, typer.Option("--fix_length", min=1, help="fix-length-retrieval: tokens between two retrievals.")
    ] = DEFAULT.fix_length
    generate_max_length: Annotated[
        int, typer.Option("--generate_max_length", min=1, help="Tokens of a whole answer.")
    ] = DEFAULT.generate_max_length
    max_switches: Annotated[int, typer.Option("--max_switches", min=1, help="Retrievals of one answer, at most.")] = (
        DEFAULT.max_switches
    )
    missing: Annotated[
        Literal["skip", "icl", "train"],
        typer.Option(
            "--missing",
            help="A passage without an expert: skip it, put it into the prompt (icl), or train its expert on the spot.",
        ),
    ] = "skip"

    def settings(self) -> SwitchSettings | None:
        """Returns the settings; None without --method.

        Raises:
            UsageError: a value out of range, an option that says nothing without --method, or a query formulation that
                makes no sense with the method.
        """
        if self.method is None:
            self._require_nothing_else()
            return None
        method = known_method(self.method)
        settings = SwitchSettings(
            method=method,
            query_formulation=self.query_formulation or methods[method].formulations[0],
            hallucination_threshold=self.hallucination_threshold,
            sentence_solver=self.sentence_solver,
            entity_solver=self.entity_solver,
            entityless=self.entityless,
            after_retrieval=self.after_retrieval,
            closing=self.closing,
            retrieve_topk=self.retrieve_topk,
            retrieve_keep_top_k=self.retrieve_keep_top_k,
            retrieve_keep_ratio=self.retrieve_keep_ratio,
            check_real_words=self.check_real_words,
            fix_length=self.fix_length,
            generate_max_length=self.generate_max_length,
            max_switches=self.max_switches,
            missing=self.missing,
        )
        make_method(settings, Language())
        return settings

    def _require_nothing_else(self) -> None:
        plain = SwitchOptions()
        stray = [one.name for one in fields(self) if getattr(self, one.name) != getattr(plain, one.name)]
        if stray:
            raise UsageError(f"--{stray[0]} says nothing without --method.", kind="options")
