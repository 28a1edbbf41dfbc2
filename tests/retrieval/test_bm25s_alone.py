"""bm25s is used without JAX, which would take most of a GPU's memory."""

import subprocess
import sys
from pathlib import Path

SEARCH = """
import sys
from pathlib import Path
from semoe.retrieval.bm25 import Bm25Retriever, build_index
from semoe.retrieval.passage import Passage
build_index([Passage("1", "a cat sat", "Cats"), Passage("2", "a dog ran", "Dogs")], Path(sys.argv[1]))
((found,),) = Bm25Retriever(Path(sys.argv[1])).search(["cat"], 1)
assert found.passage.id == "1", found
assert "jax" not in sys.modules, "JAX was started"
import jax.lax
assert jax.lax.STARTED
"""


def test_an_index_is_built_and_searched_without_starting_jax(tmp_path: Path) -> None:
    """A stand-in for JAX that says when it is imported; whoever wants it afterwards still gets it."""
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").touch()
    (tmp_path / "jax" / "lax.py").write_text("STARTED = True\ndef top_k(x, k): return x, x\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{SEARCH}"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "index")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
