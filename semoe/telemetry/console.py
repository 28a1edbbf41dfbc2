"""The one way to a console: text goes out as it is.

Rich reads "[sic]" as a style, "[/x]" as a mistake and ":warning:" as a picture. Passages, titles and paths hold such
things, so none of our consoles reads them; a style is given as `style=` or by a `Text`.
"""

from rich.console import Console


def plain_console(*, stderr: bool = False) -> Console:
    """Returns a console that prints data, titles and cells letter for letter."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
