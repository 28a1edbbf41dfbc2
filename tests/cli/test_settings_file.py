"""A settings file stands for options: what it says counts where the command line says nothing."""

import json
import tomllib
from pathlib import Path

import pytest

from semoe.cli.app import run

RECIPE = '[recipe]\nmodel_name = "m"\nlora_rank = 4\n'


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, object]]:
    """What a verb would do, as it prints its own settings."""
    capsys.readouterr()
    assert run([*arguments, "--print_settings"]) == 0
    return tomllib.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], path: Path, text: str) -> str:
    path.write_text(text)
    assert run(["encode", "--settings", str(path)]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_verb_prints_its_settings_though_required_ones_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "plan")
    assert found["plan"]["topk"] == 3
    assert "model_name" not in found["recipe"]
    assert {"place", "switching", "cutting", "estimate", "output"} <= found.keys()


@pytest.mark.parametrize("verb", ["plan", "encode", "inference", "index", "run", "worker"])
def test_what_a_verb_prints_it_reads(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = printed(capsys, verb)
    path = tmp_path / "run.toml"
    run([verb, "--print_settings"])
    path.write_text(capsys.readouterr().out)
    assert printed(capsys, verb, "--settings", str(path)) == first


def test_the_command_line_comes_before_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text(RECIPE + "lora_alpha = 5\n")
    found = printed(capsys, "encode", "--settings", str(path), "--lora_rank", "9")["recipe"]
    assert (found["model_name"], found["lora_rank"], found["lora_alpha"]) == ("m", 9, 5)


def test_the_environment_comes_before_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[place]\nstore = "of the file"\nroot_dir = "r"\n')
    monkeypatch.setenv("SEMOE_STORE", "of the environment")
    found = printed(capsys, "status", "--settings", str(path))["place"]
    assert found == {"store": "of the environment", "root_dir": "r"}


def test_tables_of_other_verbs_and_groups_are_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        RECIPE + '[plan]\ndataset = ["popqa"]\ntopk = 7\n[switching]\nfix_length = 3\n[cutting]\nshards = 2\n'
    )
    found = printed(capsys, "encode", "--settings", str(path))
    assert found["recipe"]["lora_rank"] == 4
    assert "dataset" not in found["questions"]
    assert printed(capsys, "plan", "--settings", str(path))["plan"]["topk"] == 7


def test_verbs_on_experts_read_the_common_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[place]\nstore = "s"\nspace = "3f"\n')
    assert run(["experts", "ls", "--settings", str(path), "--print_settings"]) == 0
    found = tomllib.loads(capsys.readouterr().out)["place"]
    assert (found["store"], found["space"]) == ("s", "3f")


def test_a_mistyped_table_or_key_is_named_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    assert "'recipes'. Did you mean 'recipe'?" in refused(capsys, path, "[recipes]\n")
    assert "'lora_rnk'. Did you mean 'lora_rank'?" in refused(capsys, path, "[recipe]\nlora_rnk = 4\n")


def test_a_file_that_is_no_table_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    assert "broken TOML" in refused(capsys, path, "[recipe\n")
    assert "recipe must be a table" in refused(capsys, path, 'recipe = "semoe"\n')


def test_a_value_of_another_type_is_a_wrong_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(capsys, tmp_path / "run.toml", RECIPE.replace("4", '"four"') + '[questions]\ndataset = "popqa"\n')
    assert "[recipe]: lora_rank must be a whole number, not 'four'" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[recipe]\nwith_cot = "false"\n', "with_cot must be true or false, not 'false'. Write true or false"),
        ("[recipe]\nwith_cot = 0\n", "with_cot must be true or false, not 0"),
        ('[retrieve]\nshuffle = "no"\n', "shuffle must be true or false, not 'no'"),
        ("[retrieve]\ntopk = 3.7\n", "topk must be a whole number, not 3.7"),
        ("[retrieve]\ntopk = true\n", "topk must be a whole number, not True"),
        ('[retrieve]\ntopk = "3"\n', "not '3'. Write it without quotes"),
        ("[place]\nroot_dir = 5\n", "root_dir must be a path, as a text, not 5"),
        ('[place]\nstore = ["s"]\n', "store must be a text, not ['s']"),
        ('[plan]\ndataset = "popqa"\n', "dataset must be an array"),
        ('[output]\nformat = "xml"\n', "value of format"),
    ],
)
def test_a_value_is_of_the_kind_that_its_option_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    """Read by halves, `shuffle = "no"` would shuffle and 3.7 would be 3."""
    assert words in refused(capsys, tmp_path / "run.toml", text)


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["encode", "--settings", str(tmp_path / "none.toml"), "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert "none.toml" in error["message"]
    assert error["exit_code"] == 2


def test_what_is_no_usual_value_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = ["--title", 'Ä "q" \\ \x7f\n', "--min_loss", "inf"]
    assert run(["experts", "ls", *odd, "--print_settings"]) == 0
    path = tmp_path / "run.toml"
    path.write_text("\ufeff" + capsys.readouterr().out)
    assert run(["experts", "ls", "--settings", str(path), "--print_settings"]) == 0
    own = tomllib.loads(capsys.readouterr().out)["ls"]
    assert (own["title"], own["min_loss"]) == (odd[1], float("inf"))


def test_a_switch_of_the_file_can_be_undone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[recipe]\nwith_cot = true\n[output]\nformat = "json"\n')
    found = printed(capsys, "encode", "--settings", str(path), "--no-with_cot", "--format", "table")
    assert (found["recipe"]["with_cot"], found["output"]["format"]) == (False, "table")


def test_two_verbs_of_one_name_have_tables_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["experts", "export", "--print_settings"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# semoe experts export --settings FILE")
    assert "export" not in tomllib.loads(said)
    assert run(["export", "--print_settings"]) == 0
    assert "[export]" in capsys.readouterr().out


def test_a_file_that_asks_for_json_has_errors_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[output]\nformat = "json"\n')
    assert run(["status", "--run", "none", "--store", str(tmp_path), "--settings", str(path)]) == 2
    assert json.loads(capsys.readouterr().err)["error"]["kind"] == "no-run"
