"""From groups of options to what the stages of the published tree take."""

from typing import TYPE_CHECKING

from semoe.cli import options as o
from semoe.cli.option_groups import option_group
from semoe.cli.recipe import RecipeOptions
from semoe.errors import UsageError

if TYPE_CHECKING:
    from semoe.models.model import Model
    from semoe.published.settings import StageSettings
    from semoe.retrieval.retriever import RetrievalConfig


@option_group("Questions", table="questions")
class QuestionOptions:
    """Which questions."""

    dataset: o.Dataset
    data_type: o.DataType = None
    sample: o.Sample = -1


def stage_settings(recipe: RecipeOptions, questions: QuestionOptions, place: o.PlaceOptions) -> "StageSettings":
    """Gathers what the stages share that have to do with experts."""
    from semoe.published.settings import StageSettings

    given = StageSettings(
        root=place.root_dir,
        dataset=questions.dataset,
        data_type=questions.data_type,
        sample=questions.sample,
        model_name=recipe.model_name,
        preset=recipe.adjusted(),
        with_cot=recipe.with_cot,
        augment_model=recipe.augment_model,
        store=place.store,
    )
    return given.settled()


def loaded_model(recipe: RecipeOptions, computing: o.ComputeOptions) -> "Model":
    """Loads the base model."""
    from semoe.models.dtypes import torch_dtype
    from semoe.models.model import load_model

    dtype = torch_dtype(computing.dtype)
    arguments = recipe.adjusted().chat.values()
    return load_model(recipe.model_name, dtype=dtype, device=computing.device, template_arguments=arguments)


def retrieval_config(index_place: o.IndexOptions, elastic: o.ElasticOptions) -> "RetrievalConfig":
    """Where the index is; a mistake in Elasticsearch's settings is none for other retrievers."""
    from semoe.retrieval.elastic.settings import ElasticConfig
    from semoe.retrieval.retriever import RetrievalConfig
    from semoe.retrieval.retrievers import on_a_server

    if not index_place.index_name.strip():
        raise UsageError("--index_name is empty. Give the index a name, such as wiki.", kind="bad-value")
    asked = on_a_server(index_place.retriever)
    server = ElasticConfig.from_environment(url=elastic.es_url, ca_file=elastic.es_ca_file) if asked else None
    return RetrievalConfig(
        index_dir=index_place.index_dir,
        index_name=index_place.index_name,
        encoder=index_place.encoder or None,
        reranker=index_place.reranker,
        elastic=server,
    )
