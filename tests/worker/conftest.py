import pytest

from semoe.models.model import Model, load_model
from tests.tiny import chatting_model_folder


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny model with a real tokenizer: it speaks nonsense, fast."""
    return load_model(str(chatting_model_folder(tmp_path_factory.mktemp("small") / "tiny")), device="cpu")
