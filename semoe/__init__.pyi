from semoe.evaluation.scores import score as score
from semoe.generation.engine import Engine as Engine
from semoe.generation.request import Request as Request
from semoe.generation.switching.draft import Draft as Draft
from semoe.generation.switching.method import Doubt as Doubt
from semoe.generation.switching.method import OneGo as OneGo
from semoe.generation.switching.methods import methods as methods
from semoe.generation.switching.settings import SwitchSettings as SwitchSettings
from semoe.models.model import load_model as load_model
from semoe.retrieval.passage import Passage as Passage
from semoe.retrieval.retriever import RetrievalConfig as RetrievalConfig
from semoe.retrieval.retrievers import open_retriever as open_retriever
from semoe.runs.report import read_report as read_report
from semoe.stages.asking import Asker as Asker
from semoe.stages.inference_settings import InferenceSettings as InferenceSettings
from semoe.stages.recipe import Recipe as Recipe
from semoe.stages.teaching import index_passages as index_passages
from semoe.stages.teaching import train_experts as train_experts
from semoe.store.objects import open_objects as open_store  # noqa: F401  (it is public)

__version__: str
