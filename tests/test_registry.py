import pytest

from semoe.errors import UsageError
from semoe.generation.switching.method import OneGo
from semoe.generation.switching.methods import methods


def written(name: str) -> type[OneGo]:
    return type(name, (OneGo,), {"__qualname__": name})


def test_a_part_is_registered_again_but_takes_nobodys_name() -> None:
    """As a cell of a notebook that is run twice does."""
    first, again = written("Mine"), written("Mine")
    try:
        methods.register("mine")(first)
        methods.register("mine")(again)
        assert methods["mine"] is again
        with pytest.raises(UsageError, match="There is a method 'mine' already"):
            methods.register("mine")(written("Other"))
    finally:
        methods._parts.pop("mine")
    with pytest.raises(UsageError, match="'token' already"):
        methods.register("token")(first)
