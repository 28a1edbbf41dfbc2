"""Options that the published commands have and ours have not: what to say in their stead."""

_RETRIEVE = "give --data_path to `semoe retrieve` first."
_INSTEAD = {
    ("encode", "--data_path"): "semoe encode reads what augment wrote: " + _RETRIEVE,
    ("inference", "--data_path"): "semoe inference reads what augment wrote: " + _RETRIEVE,
}


def instead_of(verb: str, option: str) -> str:
    """Returns a sentence on an option that a verb does not have; empty where there is nothing to say."""
    return _INSTEAD.get((verb, option.partition("=")[0]), "")
