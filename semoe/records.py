"""Settings records as plain values: whole, for people, and without what is as it always was, for hashes."""

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any


def without_defaults(record: Any) -> Any:
    """Returns a record's fields as JSON values, those at their default left out, records within it likewise.

    A field that is added later, at its default, so leaves every hash of what this returns as it was.

    Args:
        record: a dataclass instance; any other value is returned as it is.
    """
    if not is_dataclass(record):
        return list(record) if isinstance(record, tuple) else record
    values = ((one.name, getattr(record, one.name), _default(one)) for one in fields(record))
    return {name: without_defaults(value) for name, value, default in values if value != default}


def _default(one: "Field[Any]") -> Any:
    return one.default_factory() if one.default_factory is not MISSING else one.default
