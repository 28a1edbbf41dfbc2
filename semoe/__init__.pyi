from semoe.evaluation.scores import score
from semoe.generation.engine import Engine
from semoe.generation.request import Request
from semoe.generation.switching.draft import Draft
from semoe.generation.switching.method import Doubt, OneGo
from semoe.generation.switching.methods import methods
from semoe.generation.switching.settings import SwitchSettings
from semoe.models.model import load_model
from semoe.retrieval.passage import Passage
from semoe.retrieval.retriever import RetrievalConfig
from semoe.retrieval.retrievers import open_retriever
from semoe.runs.report import read_report
from semoe.stages.asking import Asker
from semoe.stages.inference_settings import InferenceSettings
from semoe.stages.recipe import Recipe
from semoe.stages.teaching import index_passages, train_experts
from semoe.store.objects import open_objects as open_store

__version__: str
__all__ = [
    "Asker",
    "Doubt",
    "Draft",
    "Engine",
    "InferenceSettings",
    "OneGo",
    "Passage",
    "Recipe",
    "Request",
    "RetrievalConfig",
    "SwitchSettings",
    "__version__",
    "index_passages",
    "load_model",
    "methods",
    "open_retriever",
    "open_store",
    "read_report",
    "score",
    "train_experts",
]
