"""What is in hand in a notebook says what it is, in a short text and as HTML."""

import dataclasses
import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxfr as fr
from jaxfr.attacks import ATTACKS
from jaxfr.errors import InvalidInputError
from jaxfr.showing import brief
from jaxfr.training import layout_for

EXPERIMENT = fr.Experiment(
    attack=fr.attacks.spattack_l_d(noise_scale=2.0),
    malicious_ratio=0.05,
    num_candidates=9,
)


@functools.cache
def in_hand() -> dict[str, object]:
    data = fr.synthetic_dataset(num_users=40, num_items=300, num_pairs=600)
    experiment = EXPERIMENT.with_data(data.num_users)
    layout = layout_for(experiment, data)
    state, report = fr.simulate(experiment, layout, rounds=1, seed=fr.run_key(0))
    return {
        "Dataset": data,
        "Experiment": experiment,
        "Layout": layout,
        "TrainingState": state,
        "RoundReport": report,
        "Uploads": fr.uploads_of(np.ones((300, 4, 2))),
        "Rule": fr.median().make(),
        "Stage": fr.clip_by_norm(1.0).make(),
        "Model": fr.models.fedmf().make(),
        "Metric": fr.hit_ratio(10),
        "LimitedAttack": fr.attacks.spattack_l_d().make(),
        "OmniscientAttack": fr.attacks.lie().make(),
        "lie": fr.attacks.lie,
        "spattack_l_d": EXPERIMENT.attack,
        "datasets": fr.datasets,
    }


def test_each_is_a_short_text_and_html_without_a_large_array():
    for name, value in in_hand().items():
        text, page = repr(value), value._repr_html_()  # type: ignore[attr-defined]
        assert name in text
        assert len(text) < 4000, name
        assert "array(" not in text.lower() + page.lower()
        assert page.startswith("<p>")
        assert page.count("<table>") == page.count("</table>") > 0


def test_an_experiment_says_what_is_not_as_by_default():
    assert repr(EXPERIMENT) == (
        "Experiment(attack=spattack_l_d(noise_scale=2.0), malicious_ratio=0.05, "
        "num_candidates=9)"
    )
    rates = fr.Experiment(attack=fr.attacks.lie(jnp.ones(3)), learning_rate=jnp.ones(9))
    assert repr(rates) == (
        "Experiment(learning_rate=float32[9], "
        "attack=lie(lie_z=float32[3], scope='dense'))"
    )
    assert "<td>hr@5, ndcg@5, hr@10, ndcg@10</td>" in EXPERIMENT._repr_html_()


def test_whatever_stands_in_the_place_of_a_leaf_is_shown():
    leaves, structure = jax.tree.flatten(EXPERIMENT)
    assert "object" in repr(structure.unflatten([object() for _ in leaves]))


def test_a_catalogue_is_a_table_that_fits_the_screen_and_a_frame(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for text in (repr(ATTACKS), repr(fr.attacks), repr(fr.aggregators)):
        assert max(map(len, text.splitlines())) <= 80
    assert all(name in repr(fr.attacks) for name in ATTACKS)
    assert "sign_guard" in fr.aggregators._repr_html_()  # type: ignore[attr-defined]
    frame = ATTACKS.to_frame()
    assert list(frame.columns) == ["name", "options", "what it is"]
    assert frame["options"][list(ATTACKS).index("lie")] == "lie_z=None, scope='dense'"


def test_a_dataset_is_a_frame_with_a_row_for_each_interaction():
    data = in_hand()["Dataset"]
    assert isinstance(data, fr.Dataset)
    frame = data.to_frame()
    assert len(frame) == data.num_pairs
    assert frame["held_out"].sum() == data.num_test_items
    held_out = frame[frame["held_out"]]
    assert list(held_out["item"]) == list(data.test_items[held_out["user"]])


def test_without_pandas_that_is_said_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for value in (in_hand()["Dataset"], ATTACKS):
        with pytest.raises(InvalidInputError, match="to_frame: needs pandas; pip"):
            value.to_frame()  # type: ignore[attr-defined]


def test_data_and_results_are_pictures_that_a_notebook_shows(tmp_path):
    data = in_hand()["Dataset"]
    assert isinstance(data, fr.Dataset)
    experiments = [
        EXPERIMENT,
        dataclasses.replace(EXPERIMENT, attack=fr.attacks.none()),
    ]
    results = fr.sweep(experiments, data, seeds=(0, 1), rounds=1)
    pictures = (
        *(data.plot(), results.plot(), results.plot("heatmap", by="attack")),
        results.plot(metric="hr@5", title="", figure_width=4.5),
    )
    for picture in pictures:
        assert repr(picture).startswith("Picture of ")
        assert picture._repr_png_().startswith(b"\x89PNG")
        picture.save(tmp_path / "saved.png")
        assert (tmp_path / "saved.png").read_bytes() == picture._repr_png_()
    for call, told in (
        (lambda: results.plot("pie"), "must be curves, heatmap or lines"),  # type: ignore[arg-type]
        (lambda: results.plot("heatmap", by=["atack"]), "'atack' is no column"),
        (lambda: results.plot(metric="hr@7"), "curves are of .*; did you mean hr@"),
        (lambda: results.plot(figure_width=0), "must be column, text or 2 to 20"),
        (lambda: data.plot().save(tmp_path / "a" / "b.pdf"), "there is no folder"),
        (lambda: fr.Results().plot(), "there are no runs"),
        (lambda: data.plot().save("a.jpg"), "must end in .png"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            call()


def test_no_text_is_html_or_commands_a_terminal():
    odd = "<script>\x1b[2J"
    one = np.array([0])
    data = fr.Dataset(odd, 1, 2, one, one, one + 1)
    for text in (repr(data), data._repr_html_(), brief(odd)):
        assert "\x1b" not in text
    assert "<script>" not in data._repr_html_()
