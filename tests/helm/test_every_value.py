"""Every value of both charts, emptied, large, and full of what YAML reads otherwise: refused by its name, or meant.

`test_every_value_on_cluster.py` gives what is rendered to an API server.
"""

import re
from typing import Any

import pytest

from tests.helm.charts import needs_helm, rendered
from tests.helm.every_value import (
    CASES,
    LIKE_OTHERS,
    PLAIN,
    Case,
    Key,
    accepted,
    at,
    defaults,
    leaves,
    marked,
    named,
    told,
)
from tests.helm.soundness import opened, sound

WORKERS, STANDALONE, *OTHERS = CASES
CHARTS = pytest.mark.parametrize("case", [WORKERS, STANDALONE], ids=lambda case: case.chart.name)
EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
EMPTIED: dict[str, dict[str, set[Key]]] = {
    "workers": {
        "[]": {
            ("networkPolicy", way)
            for way in ("s3", "elasticsearch", "apiServer", "identity", "prometheus", "dnsAddresses")
        },
        "0": {
            ("gpu", "count"), ("userId",), ("maxAttempts",), ("keepSeconds",),
            ("metrics", "podMonitor", "lastScrapeSeconds"),
            *(("corpusSchedule", name) for name in ("startingDeadlineSeconds", "keepSucceeded", "keepFailed")),
        },
    },
    "elasticsearch": {"[]": {("networkPolicy", "dnsAddresses")}, "0": {("podDisruptionBudget", "maxUnavailable")}},
}  # fmt: skip
"""What may be emptied although its default is another: an empty list closes a way, none is kept, none is waited for."""
pytestmark = needs_helm


@CHARTS
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_what_is_null_is_missed_by_its_name(case: Case, depth: int) -> None:
    """Helm takes such a key away, and a template would render nothing in its place."""
    taken = [path for path in leaves(case.chart, groups=True) if len(path) == depth]
    if taken:
        _, message = told(case.chart, at(dict.fromkeys(taken)))
        assert set(taken) <= named(message, taken), message


@CHARTS
@pytest.mark.parametrize("empty", ["", [], 0, False], ids=repr)
def test_what_is_emptied_is_refused_by_its_name_or_meant(case: Case, empty: Any) -> None:
    given, text = accepted(case, dict.fromkeys(leaves(case.chart), empty))
    sound(text)
    before = defaults(case.chart)
    if empty is False:
        assert set(given) == {path for path in before if isinstance(before[path], bool)}
    else:
        changed = {path for path in given if before[path] != empty}
        assert changed == EMPTIED[case.chart.name].get(repr(empty), set())


@CHARTS
def test_an_empty_group_is_its_defaults(case: Case) -> None:
    """Helm merges it with them."""
    groups = [
        path for path in set(leaves(case.chart, groups=True)) - set(leaves(case.chart)) if path[0] not in case.base
    ]
    maps = [path for path, value in defaults(case.chart).items() if isinstance(value, dict)]
    assert len(groups) > 5
    wanted = opened(sound(rendered(case.chart, case.base)))
    for emptied in ([path for path in groups if len(path) == 1], [path for path in groups if len(path) > 1], maps):
        assert opened(sound(rendered(case.chart, at({path: {} for path in emptied}, case.base)))) == wanted


@EVERY
def test_a_large_number_is_written_out(case: Case) -> None:
    before = defaults(case.chart)
    wanted = {path: 1_000_001 + 5 * n for n, path in enumerate(before) if type(before[path]) is int}
    given, text = accepted(case, wanted)
    assert set(wanted) - set(given) <= {("replicas",), ("podDisruptionBudget", "maxUnavailable")}
    found = str(opened(sound(text)))
    if case.name == "external":
        return
    for path in given:
        number = wanted[path] // 5 + 1 if path == ("startupSeconds",) else wanted[path]
        assert str(number) in found or (case.name, path) == ("eck", ("startupSeconds",)), path


@pytest.mark.parametrize(
    "case",
    [WORKERS, STANDALONE, *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)],
    ids=lambda case: case.name,
)
@pytest.mark.parametrize("text", [*PLAIN, *(pytest.param(one, marks=pytest.mark.slow) for one in LIKE_OTHERS)])
def test_a_text_stays_the_text_that_it_is(case: Case, text: str) -> None:
    """What is rendered with it is what is rendered with a plain word, but for the word."""
    given, found = accepted(
        case, {path: text for path, value in defaults(case.chart).items() if isinstance(value, str)}
    )
    words, plain = marked(case, frozenset(given))
    if set(words) != set(given):
        given, found = accepted(case, dict.fromkeys(words, text))
    assert set(given) == set(words)
    assert opened(sound(found)) == _replaced(opened(sound(plain)), text)


def _replaced(thing: Any, text: str) -> Any:
    if isinstance(thing, dict):
        return {_replaced(key, text): _replaced(value, text) for key, value in thing.items()}
    if isinstance(thing, list):
        return [_replaced(one, text) for one in thing]
    return re.sub(r"x1\d\dx", lambda _: text, thing) if isinstance(thing, str) else thing
