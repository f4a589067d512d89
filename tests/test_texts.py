"""The values of an experiment as texts, and parts of one's own files."""

import pathlib
import textwrap
from collections.abc import Callable

import pytest

from jaxfr.aggregators import (
    Rule,
    chain,
    clip_by_norm,
    krum,
    mean,
    median,
    norm,
    trimmed_mean,
)
from jaxfr.attacks import LimitedAttack, lie, none, spattack_l_s
from jaxfr.errors import InvalidInputError, nearest
from jaxfr.evaluation.names import parse_metrics
from jaxfr.experiment import Experiment
from jaxfr.models import fedgnn, fedmf
from jaxfr.optimizers import adam
from jaxfr.own_files import own_factory, own_files
from jaxfr.texts import (
    EXPERIMENT_OPTIONS,
    place_of_option,
    read_field,
    read_part,
    write_field,
)

# --- parts ---


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("attack", "none", none()),
        ("attack", "lie", lie()),
        ("attack", "lie:lie_z=1.5", lie(1.5)),
        ("attack", "lie:1.5", lie(1.5)),
        ("attack", "lie:none", lie()),
        ("attack", "lie:-2:sparse", lie(-2.0, scope="sparse")),
        ("attack", "lie:scope=sparse", lie(scope="sparse")),
        ("attack", "lie:scope=sparse:lie_z=1", lie(1.0, scope="sparse")),
        ("attack", "lie:1:scope=sparse", lie(1.0, scope="sparse")),
        ("attack", "lie:1e-3", lie(1e-3)),
        ("attack", "spattack_l_s:0.5:7", spattack_l_s(0.5, 7)),
        ("model", "fedmf:4", fedmf(4)),
        ("model", "fedgnn:neighbours_per_item=2", fedgnn(neighbours_per_item=2)),
        ("client_optimizer", "adam:0.001", adam(0.001)),
        ("server_optimizer", "adam", adam()),
        ("aggregator", "krum:plain", krum("plain")),
        ("aggregator", "meamed", trimmed_mean()),
        ("aggregator", "clip_by_norm:2", clip_by_norm(2.0)),
        ("aggregator", "clip_by_norm:2+median", chain(clip_by_norm(2.0), median())),
        ("aggregator", "clip_by_norm + norm:3", chain(clip_by_norm(), norm(3.0))),
        (
            "aggregator",
            "clip_by_norm+clip_by_norm:0.5+mean",
            chain(clip_by_norm(), clip_by_norm(0.5), mean()),
        ),
    ],
)
def test_a_part_is_its_name_and_its_options_by_name_or_place(field, text, expected):
    assert read_part(field, text) == read_field(field, text) == expected
    assert read_field(field, write_field(field, expected)) == expected


ANY = "a number at least -1e\\+15 and at most 1e\\+15"


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("attack", "lie:2:lie_z=3", "attack='lie:2:lie_z=3': lie_z stands twice"),
        ("attack", "lie:lie_z=3:lie_z=3", "attack=.*: lie_z stands twice"),
        ("attack", "lie:lie_z=high", f"lie_z='high': must be {ANY}"),
        ("attack", "lie:lie_z=nan", f"lie_z=nan: must be {ANY}"),
        ("attack", "lie:", f"lie_z='': must be {ANY}"),
        (
            "attack",
            "lie:scope=spars",
            r"scope='spars': allowed are dense, sparse; did you mean sparse\?$",
        ),
        ("attack", "lie:1:none", "scope='none': allowed are dense, sparse"),
        ("attack", "spattack_l_s:none", "noise_scale='none': must be a number at"),
        ("attack", "spattack_l_s:1:2.5", "max_poisoned_items='2.5': must be a whole"),
        ("model", "fedmf:0", "embedding_dim=0: must be a whole number from 1 to"),
        ("attack", "median+lie", "attack='median.lie': takes one part"),
        ("model", "fedmf+mlp", "model='fedmf.mlp': takes one part"),
        (
            "attack",
            "lie:lie_y=3",
            "attack='lie:lie_y=3': has no option 'lie_y'; options of lie are lie_z, "
            r"scope; did you mean lie_z\?",
        ),
        (
            "attack",
            "lie:1:sparse:3",
            "attack='lie:1:sparse:3': has no option '3'; options of lie are lie_z,",
        ),
        ("attack", "none:1", "attack='none:1': has no option '1'; options of none are"),
        (
            "attack",
            "spatack_o_d",
            r"attack='spatack_o_d': there is none; did you mean spattack_o_d\? jaxfr "
            "list attacks shows what there is$",
        ),
        (
            "attack",
            "xyz",
            "attack='xyz': allowed are none, spattack_o_d, .*, or a function of a file "
            "as in ./mine.py:my_attack$",
        ),
        ("aggregator", "medain", r"aggregator='medain': .*; did you mean .*median"),
        ("aggregator", "clip_by_norm+", "aggregator='': allowed are mean, median,"),
        ("model", "lie", "model='lie': allowed are fedmf, fedgnn, mlp, or a function"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(field, text, told):
    with pytest.raises(InvalidInputError, match=f"^{told}") as caught:
        read_part(field, text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["median+mean", "median+clip_by_norm"])
def test_nothing_but_stages_stands_before_a_rule(text):
    with pytest.raises(InvalidInputError, match=r"^aggregator=.*stages"):
        Experiment(aggregator=read_part("aggregator", text))


def test_the_likest_names_are_told_if_there_are_any():
    assert nearest("medain", ["mean", "median", "krum"]).startswith(
        "; did you mean median"
    )
    assert nearest("x", ["mean", "median"]) == ""
    names = ["aggregation", "malicious_ratio", "attack_start", "attacks"]
    assert nearest("ratio", names) == "; did you mean malicious_ratio?"
    assert nearest("attack", names) == "; did you mean attacks?"
    of_papers = ["pip_attack", "spattack_o_d", "spattack_o_s", "lie", "optimal_alie"]
    assert nearest("Spattack-O-D", of_papers) == "; did you mean spattack_o_d?"
    assert nearest("PipAttack", of_papers) == "; did you mean pip_attack?"
    assert nearest("alie", of_papers) == "; did you mean optimal_alie or lie?"
    assert nearest("--", of_papers) == ""


def test_an_option_without_its_part_is_told_its_place():
    assert place_of_option("clip_norm") == (
        "clip_norm: is an option of norm, clip_by_norm, and is written with its part, "
        "as in aggregator=norm:clip_norm=..."
    )
    assert place_of_option("nothing") is None


# --- fields ---


@pytest.mark.parametrize(
    ("field", "text", "expected"),
    [
        ("learning_rate", "0.5", 0.5),
        ("learning_rate", "2", 2.0),
        ("privacy_clip", "none", None),
        ("privacy_clip", "1", 1.0),
        ("attack_start", "3", 3),
        ("negatives", "resample", "resample"),
        ("num_candidates", "9", 9),
        ("metrics", "hr@3,full_ndcg@5", parse_metrics("hr@3,full_ndcg@5")),
        ("targets", "items:1,2", (1, 2)),
    ],
)
def test_a_text_of_a_field_is_its_value_and_back(field, text, expected):
    found = read_field(field, text)
    assert found == expected
    assert type(found) is type(expected)
    assert read_field(field, write_field(field, found)) == found


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("learning_rate", "fast", "learning_rate='fast': must be a number at least 0"),
        ("learning_rate", "-1", "learning_rate=-1.0: must be a number at least 0"),
        ("learning_rate", "none", "learning_rate='none': must be a number"),
        ("attack_start", "1.0", "attack_start='1.0': must be a whole number from 0"),
        ("negatives", "new", "negatives='new': allowed are fixed, resample"),
        ("metrics", "hr@x", ".*hr@x"),
    ],
)
def test_a_refused_value_is_told_with_its_field(field, text, told):
    with pytest.raises(InvalidInputError, match=f"^{told}"):
        read_field(field, text)


@pytest.mark.parametrize("field", EXPERIMENT_OPTIONS)
def test_every_default_is_written_as_it_is_read(field):
    default = getattr(Experiment(), field)
    assert read_field(field, write_field(field, default)) == default


# --- files ---

Write = Callable[..., str]

MINE = """
    from typing import Annotated

    from jaxfr.attacks import lie
    from jaxfr.attacks.none import none
    from jaxfr.parts import Number, part
    from jaxfr.ranges import Range


    @part
    def my_attack(strength: Annotated[Number, Range(0, 9)], form: str = "a"):
        '''Attacks.

        Args:
            strength: how much.
        '''
        return none().make()


    def my_other(times: int = 2):
        return _made(times)


    def _made(times):
        return none().make()
"""


@pytest.fixture
def write(tmp_path: pathlib.Path) -> Write:
    """Writes a file of parts, and returns its path."""

    def write_one(content: str, name: str = "mine.py") -> str:
        path = tmp_path / name
        path.write_text(textwrap.dedent(content))
        return str(path)

    return write_one


def test_a_part_may_be_a_function_of_a_file_decorated_or_not(write):
    path = write(MINE)
    for text, options, found in (
        ("my_attack:3", {"strength": 3.0, "form": "a"}, "mine.py:my_attack"),
        ("my_attack:form=b:strength=1", {"strength": 1.0, "form": "b"}, None),
        ("my_other", {"times": 2}, "mine.py:my_other"),
        ("my_other:5", {"times": 5}, None),
    ):
        chosen = read_part("attack", f"{path}:{text}")
        assert chosen.options == options
        assert chosen.name == found or found is None
        assert isinstance(chosen.make(), LimitedAttack)
        assert Experiment(attack=chosen).attack == chosen
    assert str(read_part("attack", f"{path}:my_attack:3")) == (
        "mine.py:my_attack:strength=3.0"
    )
    help_text = read_part("attack", f"{path}:my_attack:3").factory.options[0].help
    assert help_text == "how much."


def test_a_text_of_an_own_part_reads_back_in_the_file_s_folder(write, monkeypatch):
    chosen = read_part("attack", f"{write(MINE)}:my_attack:3")
    monkeypatch.chdir(pathlib.Path(write(MINE)).parent)
    assert read_part("attack", str(chosen)) == chosen
    assert read_part("attack", f"./{chosen}") == chosen


def test_stages_and_rules_of_files_may_stand_in_a_chain(write):
    path = write(
        """
        from jaxfr.aggregators import clip_by_norm, median

        def halved():
            return clip_by_norm(0.5).make()

        def my_rule():
            return median().make()
        """
    )
    for text in (
        f"{path}:halved+mean",
        f"clip_by_norm:2+{path}:my_rule",
        f"{path}:halved + {path}:my_rule",
    ):
        chosen = read_part("aggregator", text)
        assert isinstance(chosen.make(), Rule)
        assert [file.name for file in own_files(chosen)] == ["mine.py"] * text.count(
            path
        )


def test_the_same_file_is_the_same_factory_and_a_changed_one_is_another(write):
    path = write(MINE)
    first, same = (read_part("attack", f"{path}:my_other") for _ in range(2))
    assert first == same
    assert first.factory is same.factory
    changed = read_part("attack", f"{write(MINE + '    # more')}:my_other")
    assert changed != first
    files = [next(own_files(one)) for one in (first, same, changed)]
    assert files[0] == files[1]
    assert files[0].digest != files[2].digest
    assert [len(file.digest) for file in files] == [16] * 3
    assert files[2].content == pathlib.Path(path).read_bytes()
    assert list(own_files(lie())) == list(own_files("no part")) == []


def test_annotations_may_be_texts(write):
    path = write(
        """
        from __future__ import annotations

        from jaxfr.attacks import none
        from jaxfr.parts import Number

        def late(strength: Number | None = None):
            return none().make()
        """
    )
    chosen = read_part("attack", f"{path}:late:2")
    assert chosen.strength == 2.0
    assert chosen.factory.options[0].traced


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("x = 1\n\ny = nothing\n", "line 3: NameError: name 'nothing' is not defined"),
        ("def f(:\n    pass\n", "line 1: SyntaxError: "),
        ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named"),
        (
            "def deep():\n    raise ValueError('why')\n\n\ndeep()\n",
            "line 2: ValueError: why$",
        ),
        ("import json\njson.loads('{')\n", "line 2: JSONDecodeError: "),
        ("raise ValueError('this,\\nand that')", "line 1: ValueError: this,"),
    ],
)
def test_an_error_of_a_file_is_one_line_that_says_where(write, content, told):
    path = write(content)
    for _ in range(2):
        with pytest.raises(InvalidInputError, match=f"mine.py, {told}") as caught:
            own_factory(path, "f")
        assert "\n" not in str(caught.value)
        assert str(caught.value).startswith(path)


def test_a_wrong_function_is_told_with_the_likest(write):
    path = write(MINE)
    told = r"mine.py: has no function 'my_atack'; there are .*my_attack.*my_other.*; "
    with pytest.raises(InvalidInputError, match=told + "did you mean my_attack") as one:
        read_part("attack", f"{path}:my_atack")
    assert "lie" not in str(one.value)  # which the file imports only
    with pytest.raises(InvalidInputError, match=r"has no function ''; there are "):
        read_part("attack", path)
    with pytest.raises(InvalidInputError, match=r"has no function 'f'; there are none"):
        own_factory(write("x = 1\n"), "f")


def test_a_missing_option_and_a_wrong_one_are_told(write):
    path = write(MINE)
    needs = rf"needs strength, as in {path}:my_attack:strength=\.\.\.$"
    with pytest.raises(InvalidInputError, match=needs):
        read_part("attack", f"{path}:my_attack")
    with pytest.raises(InvalidInputError, match=needs):
        read_part("aggregator", f"{path}:my_attack+mean")
    with pytest.raises(InvalidInputError, match=r"^strength=10.0: must be a number at"):
        read_part("attack", f"{path}:my_attack:10")
    with pytest.raises(InvalidInputError, match=r"has no option 'stength'.*strength\?"):
        read_part("attack", f"{path}:my_attack:stength=1")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    for name in (tmp_path / "none.py", tmp_path / "folder.py"):
        (tmp_path / "folder.py").mkdir(exist_ok=True)
        with pytest.raises(InvalidInputError, match=name.name):
            read_part("attack", f"{name}:f")


def test_code_is_refused_where_it_may_not_be_named(write, tmp_path):
    ran = tmp_path / "ran"
    path = write(f"open({str(ran)!r}, 'w').close()\ndef f(): ...\n")
    for field, text in (
        ("attack", f"{path}:f"),
        ("aggregator", f"clip_by_norm+{path}:f"),
        ("metrics", f"hr@10,{path}:f"),
    ):
        with pytest.raises(InvalidInputError, match=f"^{field}=.*: code is named on"):
            read_field(field, text, own_files=False)
    assert not ran.exists()
    assert read_field("attack", "lie:2", own_files=False) == lie(2.0)
    read_part("attack", f"{path}:f")
    assert ran.exists()


def test_a_part_of_a_file_that_makes_something_else_is_refused(write):
    path = write("def f():\n    return 3\n")
    with pytest.raises(
        InvalidInputError, match=r"^attack=.*mine.py:f: makes no attack"
    ):
        Experiment(attack=read_part("attack", f"{path}:f"))
    with pytest.raises(InvalidInputError, match=r"^metrics=.*: makes a int, no Metric"):
        read_field("metrics", f"{path}:f")


METRIC = """
    from jaxfr.evaluation.metrics import mean_over_users

    def at_most(rank: int = 3):
        def value(place, others):
            return place <= rank

        return mean_over_users(f"at_most_{rank}", value, higher_is_better=True)
"""


def test_a_metric_may_be_a_function_of_a_file(write):
    path = write(METRIC)
    found = read_field("metrics", f"hr@10,{path}:at_most:5")
    assert [metric.name for metric in found] == ["hr@10", "at_most_5"]
    assert found == read_field("metrics", f"hr@10,{path}:at_most:5")
    (by_default,) = read_field("metrics", f"{path}:at_most")
    assert by_default.name == "at_most_3"
