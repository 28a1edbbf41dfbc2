"""Makes sure that worked examples leave a model room for a question: where they do not, no question could be asked."""

from collections.abc import Sequence

from semoe.errors import UsageError
from semoe.models.model import Model
from semoe.prompts.exemplars import Exemplar
from semoe.prompts.rendering import prompt_ids
from semoe.prompts.template import load_template
from semoe.words import counted


def require_room(model: Model, template: str, exemplars: Sequence[Exemplar], limit: int | None = None) -> None:
    """Looks whether a prompt of worked examples alone is shorter than the model's context.

    Args:
        model: the base model.
        template: of the prompt, by name or file.
        exemplars: worked examples; where there are none, nothing is looked at.
        limit: tokens that a prompt with its answer may have besides.

    Raises:
        UsageError: it is not.
    """
    if not exemplars:
        return
    context = model.decoder.config.context
    room = min(context, limit or context)
    num_tokens = len(prompt_ids(model.tokenizer, load_template(template), "", exemplars=exemplars, cot=True))
    if num_tokens >= room:
        raise UsageError(
            f"The {counted(len(exemplars), 'worked example')} alone would make a prompt of "
            f"{counted(num_tokens, 'token')}, but prompt and answer may have {room}. Leave out --with_cot (`main`: "
            "take a smaller fewshot), or take a model with a longer context.",
            kind="context",
        )
