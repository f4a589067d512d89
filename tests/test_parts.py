"""What is chosen: its numbers, its structure, its text, and what it refuses."""

import copy
import math
from typing import Annotated, Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxfr.aggregators import Rule, Stage, chain, clip_by_norm, median, norm
from jaxfr.attacks import gaussian, lie, none, spattack_l_d, spattack_l_s
from jaxfr.catalogues import by_name
from jaxfr.errors import InvalidInputError
from jaxfr.experiment import Experiment
from jaxfr.optimizers import adam, sgd
from jaxfr.parts import (
    REQUIRED,
    Factory,
    Number,
    Option,
    Part,
    Whole,
    made,
    options_of,
    part,
)
from jaxfr.ranges import ANY_NUMBER, ANY_WHOLE_NUMBER, COUNT, Range
from jaxfr.sweeps.request import RunRequest
from jaxfr.texts import CATALOGUES, read_part

FACTORIES = [
    (field, factory)
    for field, catalogue in CATALOGUES.items()
    for factory in catalogue.values()
]
every_factory = pytest.mark.parametrize(
    ("field", "factory"), FACTORIES, ids=[f"{f}-{one.name}" for f, one in FACTORIES]
)


class Made(NamedTuple):
    strength: Any
    count: Any
    most: Any
    share: Any
    form: str
    loud: bool
    inner: Any


@part
def every_kind(
    strength: Number,
    count: Whole = 3,
    most: Annotated[int, COUNT] = 5,
    share: Annotated[Number, Range(0, 1)] | None = None,
    form: Literal["plain", "squared"] = "plain",
    loud: bool = False,
    inner: Any = None,
) -> Made:
    """Has an option of each kind.

    More of it.

    Args:
        strength: how much; a text of more
            than one line.
        count: how often: a colon.
        most: how many.
        share: of what.
        form: which.
        loud: whether.
        inner: another part.

    Returns:
        strength: not this.
    """
    return Made(strength, count, most, share, form, loud, inner)


@part
def of_text(name_of_it: str = "a", height: float = 1.0) -> tuple[str, float]:
    return name_of_it, height


# --- options ---


def test_the_signature_and_the_docstring_declare_the_options():
    half = Range(0, 1)
    assert every_kind.options == (
        Option(
            *("strength", REQUIRED, "how much; a text of more than one line."),
            *(True, False, ANY_NUMBER, float),
        ),
        Option("count", 3, "how often: a colon.", True, False, ANY_WHOLE_NUMBER, int),
        Option("most", 5, "how many.", False, False, COUNT, int),
        Option("share", None, "of what.", True, True, half, float),
        Option("form", "plain", "which.", False, False, ("plain", "squared"), str),
        Option("loud", False, "whether.", False, False, None, bool),
        Option("inner", None, "another part.", False, False, None, object),
    )
    assert of_text.options == (
        Option("name_of_it", "a", "", False, False, None, str),
        Option("height", 1.0, "", False, False, ANY_NUMBER, float),
    )


@pytest.mark.parametrize(
    "option",
    [
        *(option for _, factory in FACTORIES for option in factory.options),
        *options_of(Experiment),
        *options_of(RunRequest),
    ],
    ids=lambda option: option.name,
)
def test_every_option_has_a_help_text(option):
    assert option.help.endswith(".")
    assert len(option.help) > 8


def test_a_catalogue_has_its_factories_by_the_names_of_their_functions():
    assert by_name(every_kind, of_text) == {
        "test_parts.py:every_kind": every_kind,
        "test_parts.py:of_text": of_text,
    }
    for field, factory in FACTORIES:
        assert CATALOGUES[field][factory.name] is factory
        assert factory.name == factory.function.__name__
    assert every_kind.__doc__ == every_kind.function.__doc__


# --- values ---


def test_a_part_makes_what_its_function_makes():
    chosen = every_kind(2.0, most=7, inner=lie(1.5))
    found = chosen.make()
    assert found[:6] == (2.0, 3, 7, None, "plain", False)
    assert type(found.inner) is type(lie(1.5).make())
    assert made(of_text("b")) == ("b", 1.0)
    assert made("no part") == "no part"
    assert isinstance(median().make(), Rule)
    assert isinstance(clip_by_norm().make(), Stage)


def test_options_are_attributes():
    chosen = every_kind(2.0, share=0.5)
    assert (chosen.strength, chosen.count, chosen.share) == (2.0, 3, 0.5)
    assert list(chosen.options) == [option.name for option in every_kind.options]
    with pytest.raises(AttributeError, match="every_kind has no option height"):
        _ = chosen.height


def test_a_replaced_value_leaves_the_others_and_is_checked():
    chosen = every_kind(2.0, form="squared")
    assert chosen.replace(strength=3.0) == every_kind(3.0, form="squared")
    assert chosen == every_kind(2.0, form="squared")
    with pytest.raises(InvalidInputError, match=r"^share=2: "):
        chosen.replace(share=2)
    with pytest.raises(InvalidInputError, match="has no option 'height'"):
        chosen.replace(height=1)


def test_equal_choices_are_equal_and_of_one_hash():
    assert lie(2) == lie(lie_z=2.0) != lie(2.5)
    assert hash(lie(2)) == hash(lie(2.0))
    assert len({lie(), lie(None), lie(scope="sparse"), gaussian(scope="sparse")}) == 3
    assert norm(0.5) != clip_by_norm(0.5)
    assert sgd() != adam()
    assert lie() != "lie"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_same_choice(copied):
    for chosen in (lie(1.5), none(), chain(clip_by_norm(0.5), median())):
        assert copied(chosen) == chosen
    assert copied(Experiment()).is_clean


def test_a_whole_number_where_any_is_meant_is_that_number():
    assert type(lie(2).lie_z) is float
    assert type(every_kind(1.0, most=2).most) is int
    assert type(spattack_l_s(max_poisoned_items=2).max_poisoned_items) is int


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"strength": math.nan},
            r"strength=nan: must be a number at least -1e\+15",
        ),
        ({"strength": "2"}, "strength=2: must be a number"),
        ({"strength": True}, "strength=True: must be a number"),
        ({"strength": None}, "strength=None: must be a number"),
        (
            {"strength": np.array([1, np.inf])},
            r"strength=\[ 1. inf\]: must be a number",
        ),
        ({"count": 1.5}, "count=1.5: must be a whole number from -10{9} to 10{9}$"),
        ({"most": -1}, "most=-1: must be a whole number from 0 to 10{9}$"),
        ({"share": 1.5}, "share=1.5: must be a number at least 0 and at most 1,"),
        ({"form": "round"}, "form='round': allowed are plain, squared$"),
        ({"form": None}, "form=None: allowed are plain, squared$"),
        ({"loud": 1}, "loud=1: must be bool$"),
    ],
)
def test_a_refusal_names_the_option_its_value_and_what_is_allowed(given, told):
    with pytest.raises(InvalidInputError, match=f"^{told}"):
        every_kind(**{"strength": 1.0, **given})


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        ((), {"strenth": 1.0}, "has no option 'strenth'; .*; did you mean strength"),
        ((), {}, "missing a required argument: 'strength'; its options are strength, "),
        (tuple(range(99)), {}, "too many positional arguments; its options are stren"),
    ],
)
def test_so_does_one_of_arguments_that_are_no_options(arguments, given, told):
    with pytest.raises(InvalidInputError, match=f"^test_parts.py:every_kind: {told}"):
        every_kind(*arguments, **given)


def test_a_function_that_returns_nothing_is_named_with_its_file():
    def forgetful():
        pass

    place = rf"^{__file__}:\d+ in .*forgetful: returned None; must return what it makes"
    with pytest.raises(InvalidInputError, match=place):
        part(forgetful)().make()


def test_text_is_text():
    with pytest.raises(InvalidInputError, match=r"^name_of_it=3: must be str$"):
        of_text(3)  # type: ignore[arg-type]


# --- numbers and structure ---


def test_the_leaves_are_the_traced_numbers_and_nothing_else():
    chosen = every_kind(2.0, share=0.5, loud=True, inner=norm(0.25))
    assert jax.tree.leaves(chosen) == [2.0, 3, 0.5, 0.25]
    assert jax.tree.leaves(every_kind(2.0)) == [2.0, 3]
    assert jax.tree.leaves(of_text()) == []


@every_factory
def test_of_every_factory_too(field, factory):
    chosen = factory()
    expected = [
        value
        for option, value in zip(factory.options, chosen.values, strict=True)
        if option.traced and value is not None
    ]
    assert jax.tree.leaves(chosen) == expected
    assert jax.tree.map(lambda leaf: leaf, chosen) == chosen


def test_whether_an_optional_number_is_given_is_structure_and_which_one_is_not():
    structure = jax.tree.structure
    assert structure(lie(1.0)) == structure(lie(2.0)) != structure(lie())
    assert structure(lie(1.0)) != structure(lie(1.0, scope="sparse"))
    assert structure(norm()) != structure(clip_by_norm())
    assert hash(structure(lie(1.0))) == hash(structure(lie(2.0)))


def test_another_number_compiles_nothing_anew_and_another_structure_does():
    traced = []

    @jax.jit
    def made_inside(chosen: Part[Made]) -> jax.Array:
        traced.append(None)
        found = chosen.make()
        share = 0.0 if found.share is None else found.share
        return jnp.stack([found.strength, found.count, share, float(found.most)])

    for strength, count in ((2.0, 1), (3.0, 4), (5, 6)):
        found = made_inside(every_kind(strength, count))
        np.testing.assert_array_equal(found, [strength, count, 0, 5])
    assert len(traced) == 1
    for share in (0.5, 0.25):
        found = made_inside(every_kind(2.0, share=share))
        np.testing.assert_array_equal(found, [2, 3, share, 5])
    assert len(traced) == 2
    made_inside(every_kind(2.0, most=6))
    assert len(traced) == 3


def test_a_part_may_be_made_of_traced_numbers():
    traced = []

    @jax.jit
    def chosen_inside(strength: jax.Array) -> jax.Array:
        traced.append(None)
        chosen = every_kind(strength, share=strength / 10)
        chosen = chosen.replace(count=jnp.int32(strength))
        return chosen.make().strength + chosen.share + chosen.count

    assert chosen_inside(jnp.float32(5.0)) == 10.5
    assert chosen_inside(jnp.float32(7.0)) == pytest.approx(14.7)
    assert len(traced) == 1


def test_numbers_may_have_an_axis_of_runs():
    stacked = jax.tree.map(
        lambda *leaves: jnp.stack(leaves), spattack_l_d(1.0), spattack_l_d(2.5)
    )
    np.testing.assert_array_equal(stacked.noise_scale, [1, 2.5])
    doubled = jax.vmap(lambda chosen: 2 * chosen.noise_scale)(stacked)
    np.testing.assert_array_equal(doubled, [2, 5])
    assert str(stacked) == "spattack_l_d:noise_scale=[1.  2.5]"  # for messages


# --- texts ---


def test_a_text_tells_what_is_not_as_by_default():
    assert str(lie()) == str(lie(None)) == "lie"
    assert str(lie(1.5)) == "lie:lie_z=1.5"
    assert (
        str(spattack_l_s(2.0, 7)) == "spattack_l_s:noise_scale=2.0:max_poisoned_items=7"
    )
    assert str(gaussian(scope="sparse")) == "gaussian:scope=sparse"
    assert str(spattack_l_s(1, 0)) == "spattack_l_s"


def drawn_values(option: Option) -> st.SearchStrategy[Any]:
    """Of all that an option allows."""
    allowed = option.allowed
    if isinstance(allowed, Range):
        low, high = allowed.low, allowed.high
        numbers = (
            st.integers(int(low), int(high))
            if allowed.whole
            else st.floats(low, high, exclude_max=allowed.below_high)
        ).filter(allowed.holds)
    else:
        assert allowed is not None
        numbers = st.sampled_from(allowed)
    return st.none() | numbers if option.optional else numbers


def drawn_part(factory: Factory[..., Any]) -> st.SearchStrategy[Part[Any]]:
    return st.builds(
        factory, **{option.name: drawn_values(option) for option in factory.options}
    )


@every_factory
@given(data=st.data())
def test_a_text_reads_back_as_the_same_part(field, factory, data):
    chosen = data.draw(drawn_part(factory))
    found = read_part(field, str(chosen))
    assert found == chosen
    assert [*map(type, found.values)] == [*map(type, chosen.values)]


@given(data=st.data())
def test_so_does_the_text_of_a_chain(data):
    stage, rule = (data.draw(drawn_part(one)) for one in (clip_by_norm, norm))
    chosen = chain(stage, rule)
    assert read_part("aggregator", str(chosen)) == chosen


# --- chains ---


def test_a_chain_is_of_parts():
    chosen = chain(clip_by_norm(0.5), clip_by_norm(2.0), norm(3.0))
    assert chosen.parts == (clip_by_norm(0.5), clip_by_norm(2.0), norm(3.0))
    assert chosen.options == {}
    assert chosen.name == "clip_by_norm+clip_by_norm+norm"
    assert str(chosen) == (
        "clip_by_norm:clip_norm=0.5+clip_by_norm:clip_norm=2.0+norm:clip_norm=3.0"
    )
    assert jax.tree.leaves(chosen) == [0.5, 2.0, 3.0]
    assert chosen == jax.tree.map(lambda leaf: leaf, chosen)
    assert chosen.replace() == chosen
    assert isinstance(chosen.make(), Rule)
    assert isinstance(chain(clip_by_norm(), clip_by_norm()).make(), Stage)


def test_what_was_not_called_stands_in_no_chain():
    with pytest.raises(InvalidInputError, match=r"as in clip_by_norm\(\)$"):
        chain(clip_by_norm, median())  # type: ignore[arg-type]


def test_made_stages_and_rules_may_stand_in_a_chain():
    chosen = chain(clip_by_norm(0.5).make(), median())
    assert isinstance(chosen.make(), Rule)
    assert jax.tree.leaves(chosen) == []
    assert chosen.name == "?+median"


def test_of_a_part_without_a_file_its_code_is_what_was_written():
    def written(power: int) -> bytes:
        names: dict[str, Any] = {}
        exec(f"def f(x=1):\n    return [x**{power} for _ in range(2)]", names)
        names["f"].__module__ = "elsewhere"
        return part(names["f"]).written

    assert written(2) == written(2) != written(3)
