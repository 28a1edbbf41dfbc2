"""Counts in words, as messages and pages say them."""


def counted(count: int, what: str) -> str:
    """Returns a count with what is counted, in the singular or the plural.

    Args:
        count: how many.
        what: one of them.

    Example:
        >>> counted(1, "expert"), counted(23222, "expert"), counted(0, "query")
        ('1 expert', '23,222 experts', '0 queries')
    """
    if count == 1:
        return f"1 {what}"
    if what.endswith("y") and what[-2] not in "aeiou":
        return f"{count:,} {what.removesuffix('y')}ies"
    return f"{count:,} {what}{'es' if what.endswith('ch') else 's'}"
