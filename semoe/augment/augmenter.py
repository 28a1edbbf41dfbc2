"""The table of augmenters: from the name in the settings to one that is loaded.

Called by the stages that augment. The only module that knows the implementations; they know `contract` alone.
"""

from collections.abc import Callable

from semoe.augment.contract import MODEL_PAIRS, PARSE_PAIRS, Augmenter, AugmentSettings
from semoe.language import require_parser
from semoe.registry import Registry

augmenters: Registry[Callable[[AugmentSettings], Augmenter]] = Registry("augmenter")


def load_augmenter(settings: AugmentSettings) -> Augmenter:
    """Loads the augmenter that the settings name.

    Raises:
        UsageError: there is no such augmenter or model.
    """
    return augmenters[settings.augmenter](settings)


# Each entry imports its implementation when it is called: spaCy and torch take seconds, which a command that only asks
# for settings or names should not pay, nor `parse` for torch.


@augmenters.register("parse")
def _parse(settings: AugmentSettings) -> Augmenter:
    require_parser()
    from semoe.augment.parse_augmenter import ParseAugmenter  # noqa: PLC0415 (spaCy)

    return ParseAugmenter.load(max_pairs=settings.max_pairs or PARSE_PAIRS, seed=settings.seed)


@augmenters.register("model")
def _model(settings: AugmentSettings) -> Augmenter:
    require_parser()
    from semoe.augment.model_augmenter import ModelAugmenter  # noqa: PLC0415 (torch and spaCy)

    return ModelAugmenter.load(settings.model, max_pairs=settings.max_pairs or MODEL_PAIRS)
