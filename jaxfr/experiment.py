"""An experiment: who trains what, who attacks, and how the server defends itself."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jax.core import Tracer

from jaxfr.aggregators import Rule, Stage, dense, mean
from jaxfr.attacks import (
    Attack,
    LimitedAttack,
    OmniscientAttack,
    malicious_client_count,
    none,
)
from jaxfr.contracts import check_arguments
from jaxfr.errors import InvalidInputError
from jaxfr.evaluation.candidates import NUM_CANDIDATES
from jaxfr.evaluation.metrics import Metric, RankingName, needed_rankings
from jaxfr.evaluation.names import DEFAULT_METRICS
from jaxfr.evaluation.targets import DEFAULT_TARGETS, parse_targets
from jaxfr.models import Model, fedmf
from jaxfr.optimizers import Optimizer, sgd
from jaxfr.own_errors import own_errors
from jaxfr.parts import Factory, Number, Part, Whole, is_same, options_of
from jaxfr.ranges import (
    AMOUNT,
    COUNT,
    COUNT_FROM_1,
    POSITIVE,
    SHARE,
    SMALLEST,
    Range,
)
from jaxfr.showing import brief, html_table, html_text

RepeatedNegatives = Literal["merged", "reference"]


@jax.tree_util.register_pytree_node_class
@dataclasses.dataclass(frozen=True)
class Experiment:
    """All that decides a run but for its data, its seed and its number of rounds.

    >>> experiment = fr.Experiment(attack=fr.attacks.lie(), aggregator=fr.median())
    >>> experiment.with_data(num_clients=943).malicious_clients
    29
    >>> experiment  # what is not as by default
    Experiment(attack=lie(lie_z=None, scope='dense'), aggregator=median())

    As a pytree, its leaves are its numbers, which compiled programs take as arguments
    and a batch of runs has an axis of; its structure is all else, and another structure
    is another program.

    Attributes:
        model: recommender.
        learning_rate: eta, of clients and of a server that has none of its own.
        regularization: L2 coefficient lambda.
        negatives: whether negative items are drawn once, before round 0 (``fixed``), or
            anew in each round (``resample``).
        participation: share of all clients that the server draws for each round, at
            most 1.
        client_optimizer: optimiser of user embeddings.
        server_optimizer: optimiser of item embeddings.
        attack: attack; none: the clean run.
        malicious_ratio: malicious share rho of all clients, 0 <= rho < 1; floor(n rho /
            (1 - rho)) malicious clients join the n benign ones.
        malicious_clients: their number; none: as many as malicious_ratio adds.
        attack_start: first round with malicious uploads, from 0.
        aggregator: how the server joins an item's uploads: a rule, or stages and a rule
            with + between them.
        aggregation: ``sparse``: only the uploads that an item received; ``dense``:
            clients that sent none count as zero rows.
        expected_byzantine: Byzantine clients that the aggregator expects; none: as many
            as malicious_ratio adds, in a clean run too.
        ranking: ranks a user's test item among sampled items, or among all it did not
            train on (``full``).
        num_candidates: items that a test item is ranked among in sampled ranking.
        metrics: what is evaluated.
        targets: items whose exposure is measured, see ``parse_targets``.
        pseudo_items: items that each client pretends to have interacted with, by
            gradients drawn like its real ones.
        privacy_clip: local differential privacy: clients clip each number of their
            uploads to this absolute value, and add noise. none: neither.
        privacy_noise: scale lambda of the Laplace noise; each number is 2 privacy_clip
            / lambda differentially private. Needs privacy_clip.
        repeated_negatives: what a client sends of a negative that it drew twice.
            ``merged``: one row; ``reference``: one for each draw, of which an
            omniscient attacker overlooks all but one, as in the Spattack paper's
            implementation.

    Raises:
        InvalidInputError: names the option, its value and what is allowed.
    """

    model: Part[Model] = fedmf()
    learning_rate: Annotated[Number, AMOUNT] = 0.01
    regularization: Annotated[Number, AMOUNT] = 0.1
    negatives: Literal["fixed", "resample"] = "fixed"
    participation: Annotated[Number, Range(SMALLEST, 1)] | None = 1.0
    client_optimizer: Part[Optimizer] = sgd()
    server_optimizer: Part[Optimizer] = sgd()
    attack: Part[Attack] = none()
    malicious_ratio: Annotated[Number, SHARE] = 0.03
    malicious_clients: Annotated[Whole, COUNT] | None = None
    attack_start: Annotated[Whole, COUNT] = 0
    aggregator: Part[Rule | Stage] = mean()
    aggregation: Literal["sparse", "dense"] = "sparse"
    expected_byzantine: Annotated[Whole, COUNT] | None = None
    ranking: Literal["sampled", "full"] = "sampled"
    num_candidates: Annotated[int, COUNT_FROM_1] = NUM_CANDIDATES
    metrics: tuple[Metric, ...] = DEFAULT_METRICS
    targets: tuple[Array | int, ...] = parse_targets(DEFAULT_TARGETS)
    pseudo_items: Annotated[int, COUNT] = 0
    privacy_clip: Annotated[Number, POSITIVE] | None = None
    privacy_noise: Annotated[Number, AMOUNT] = 0.0
    repeated_negatives: RepeatedNegatives = "merged"

    def __post_init__(self) -> None:
        """Refuses what has no meaning with whatever data."""
        for option in options_of(Experiment):
            value = option.check(getattr(self, option.name))
            object.__setattr__(self, option.name, value)
        for metric in self.metrics:
            _check_metric(metric)
        names = [metric.name for metric in self.metrics]
        if not names or len(set(names)) < len(names):
            raise InvalidInputError(
                f"metrics={','.join(names)}: must be distinct, and at least one"
            )
        if self.privacy_clip is None and _is_above_0(self.privacy_noise):
            raise InvalidInputError(
                f"privacy_noise={self.privacy_noise}: needs privacy_clip, the bound of "
                "what it is to hide"
            )
        if self.ranks("targets") and not self.targets:
            raise InvalidInputError(
                f"targets=(): {', '.join(names)} measure their exposure"
            )
        for name in PART_KINDS:
            _check_is_part(name, getattr(self, name))
        _check_parts(jax.tree.structure(self))

    def __repr__(self) -> str:
        told = (
            f"{option.name}={_shown(getattr(self, option.name))}"
            for option in options_of(Experiment)
            if not is_same(getattr(self, option.name), option.default)
        )
        return f"Experiment({', '.join(told)})"

    def _repr_html_(self) -> str:
        names = [option.name for option in options_of(Experiment)]
        rows = [[name, _shown(getattr(self, name))] for name in names]
        return html_text("Experiment") + html_table([["option", "value"], *rows])

    @property
    def parts(self) -> list[Part[Any]]:
        """The parts that it is made of, and those that metrics are."""
        of_metrics = [one.part for one in self.metrics if one.part is not None]
        return [getattr(self, name) for name in PART_KINDS] + of_metrics

    def check_parts(self) -> None:
        """Refuses parts of another kind, and what the model does not go with."""
        for name, kinds in PART_KINDS.items():
            part = getattr(self, name)
            try:
                found = part.make()
            except InvalidInputError as error:
                raise InvalidInputError(f"{name}={part.name}: {error}") from None
            if not isinstance(found, kinds):
                raise InvalidInputError(
                    f"{name}={part.name}: makes no {name}, but {type(found).__name__}"
                )
        model, attack, rule = self.model.make(), self.attack.make(), self.rule()
        if model.neighbours_per_item and model.represent is None:
            raise InvalidInputError(
                f"neighbours_per_item={model.neighbours_per_item}: the model "
                f"{self.model.name} does not look at a client's graph"
            )
        for need in attack.needs:
            if getattr(model, need) is None:
                raise InvalidInputError(
                    f"attack={self.attack.name}: needs a model that has {need}, such "
                    f"as fedmf; {self.model.name} has none"
                )
        if rule.before.needs_pairs and not self.works_by_pairs:
            raise InvalidInputError(
                f"aggregator={self.aggregator.name}: needs a model that works pair by "
                "pair, such as fedmf, and no private uploads (privacy_clip, "
                "pseudo_items)"
            )
        if self.repeated_negatives == "reference" and (
            rule.needs_groups or not self.works_by_pairs
        ):
            raise InvalidInputError(
                "repeated_negatives=reference: goes with the aggregators mean and "
                "norm, a model that works pair by pair, such as fedmf, and no private "
                "uploads"
            )

    def tree_flatten(self) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The numbers and parts; and what is static."""
        leaves = tuple(getattr(self, name) for name in _DYNAMIC)
        return leaves, tuple(getattr(self, name) for name in _STATIC)

    @classmethod
    def tree_unflatten(
        cls, static: tuple[Any, ...], leaves: Sequence[Any]
    ) -> "Experiment":
        """The reverse, which checks nothing: leaves may be anything."""
        new, names = object.__new__(cls), (*_DYNAMIC, *_STATIC)
        for name, value in zip(names, (*leaves, *static), strict=True):
            object.__setattr__(new, name, value)
        return new

    def rule(self) -> Rule:
        """The server's rule, with its stages.

        Raises:
            InvalidInputError: if the aggregator is a stage without a rule behind it.
        """
        rule = self.aggregator.make()
        if not isinstance(rule, Rule):
            name = self.aggregator.name
            raise InvalidInputError(
                f"aggregator={name}: must end with a rule, as in {name}+mean"
            )
        return dense(rule) if self.aggregation == "dense" else rule

    def ranks(self, ranking: RankingName) -> bool:
        """Whether an evaluation needs this ranking."""
        return ranking in needed_rankings(self.ranking, self.metrics)

    @property
    def works_by_pairs(self) -> bool:
        """Whether clients are worked off pair by pair, rather than each as a whole."""
        by_pairs = self.model.make().pair_gradients is not None
        return by_pairs and self.pseudo_items == 0 and self.privacy_clip is None

    @property
    def sums_suffice(self) -> bool:
        """Whether neither the server nor the attackers ask for clients' single rows."""
        attack = self.attack.make()
        blind = isinstance(attack, LimitedAttack)
        seen = isinstance(attack, OmniscientAttack) and not attack.needs_rows
        return self.rule().sums_suffice and (blind or seen)

    def with_data(self, num_clients: int, dataset: str = "the data") -> "Experiment":
        """The same with what follows from the number of clients, and without the rest.

        The numbers of malicious and of expected Byzantine clients are filled in;
        targets that no metric asks for, and a participation of everybody, are None and
        so no numbers of a program. Doing it twice changes nothing.

        Args:
            num_clients: number of benign clients n.
            dataset: what to call the data in messages.

        Raises:
            InvalidInputError: if the attack would have nobody.
        """
        malicious, expected = self.malicious_clients, self.expected_byzantine
        if malicious is None:
            malicious = self._count_attackers(num_clients, dataset)
        if expected is None and not self.rule().expects_byzantine:
            # For the record, and where the ratio is no number yet, for nothing.
            known = _is_number(self.malicious_ratio)
            expected = self._count_added(num_clients) if known else 0
        elif expected is None:
            expected = self._count_added(num_clients)
        whole = _is_number(self.participation) and self.participation == 1
        return dataclasses.replace(
            self,
            malicious_clients=malicious,
            expected_byzantine=expected,
            participation=None if whole else self.participation,
            targets=self.targets if self.ranks("targets") else (),
        )

    def _count_attackers(self, num_clients: int, dataset: str) -> int:
        """How many attackers there are, at least one unless the run is clean."""
        if self.is_clean:
            return 0
        added = self._count_added(num_clients)
        if self.malicious_ratio == 0:
            raise InvalidInputError(
                f"malicious_ratio=0: attack={self.attack} needs a malicious client; "
                "the clean run is attack=none"
            )
        if added == 0:
            enough = math.ceil(1e6 / (num_clients + 1)) / 1e6
            raise InvalidInputError(
                f"malicious_ratio={self.malicious_ratio:g}: adds no malicious client "
                f"to the {num_clients} of {dataset}; attack={self.attack} needs at "
                f"least {enough:g}, and the clean run is attack=none"
            )
        return added

    def _count_added(self, num_clients: int) -> int:
        """How many malicious clients the ratio adds."""
        if not _is_number(self.malicious_ratio):
            raise InvalidInputError(
                "malicious_ratio: is traced or an array, of which no number of clients "
                "follows; call with_data before, or give malicious_clients and "
                "expected_byzantine"
            )
        return malicious_client_count(num_clients, float(self.malicious_ratio))

    def client_steps(self) -> optax.GradientTransformation:
        """The steps of one user embedding."""
        return self.client_optimizer.make()(jnp.asarray(self.learning_rate))

    def server_steps(self) -> optax.GradientTransformation:
        """The steps of one row of a table of the server."""
        return self.server_optimizer.make()(jnp.asarray(self.learning_rate))

    @property
    def client_learning_rate(self) -> Array | float:
        """With which clients train: their optimiser's own rate, or that of all."""
        own = self.client_optimizer.options.get("learning_rate")
        return self.learning_rate if own is None else own

    @property
    def is_clean(self) -> bool:
        """Whether there is no attack."""
        return self.attack.factory is none


def _shown(value: Any) -> str:
    """A part as in a call, metrics by their names, arrays by type and shape."""
    if isinstance(value, Part):
        return repr(value)
    metrics = isinstance(value, tuple) and any(isinstance(v, Metric) for v in value)
    return ", ".join(one.name for one in value) if metrics else brief(value)


@functools.lru_cache(maxsize=1024)
def _check_parts(structure: Any) -> None:
    """Checks the parts of all experiments of one structure, whatever their numbers.

    In a trace, as a part may compute when it is made, and JAX may not be started yet.
    """

    def check(numbers: Sequence[Any]) -> None:
        jax.tree.unflatten(structure, numbers).check_parts()

    numbers = [0.0] * structure.num_leaves
    with own_errors(jax.tree.unflatten(structure, numbers).parts):
        jax.eval_shape(check, numbers)


def _check_metric(metric: Any) -> None:
    """Refuses what is no metric, and one whose functions take other arguments."""
    if not isinstance(metric, Metric):
        if isinstance(metric, Part):
            told = f"{metric!r} is a part, must be what it makes: {metric!r}.make()"
        elif callable(metric):
            name = getattr(metric, "name", None) or brief(metric)
            told = f"{name} must be called, as in {name}(...)"
        else:
            told = f"{brief(metric)} must be a metric, such as jaxfr.hit_ratio(10)"
        raise InvalidInputError(f"metrics: {told}")
    check_arguments(metric.count_user, ("rank", "num_others"))
    check_arguments(metric.average, ("sums", "num_users"))


def _check_is_part(name: str, value: Any) -> None:
    if isinstance(value, Factory):
        raise InvalidInputError(
            f"{name}={value.name}: must be called, as in {name}={value.name}()"
        )
    if not isinstance(value, Part):
        kind = f"jaxfr.{name.rpartition('_')[2]}s"
        raise InvalidInputError(
            f"{name}: is a {type(value).__name__}, must be a part, such as "
            f"{name}={kind}.{getattr(Experiment, name)!r}, or what a function makes "
            "that is decorated with jaxfr.part"
        )


def _is_number(value: Any) -> bool:
    """Whether it is a single number that is known."""
    return not isinstance(value, Tracer | None) and np.ndim(value) == 0


def _is_above_0(number: Any) -> bool:
    return not isinstance(number, Tracer) and bool(np.any(np.asarray(number) > 0))


PART_KINDS: Mapping[str, Any] = {
    "model": Model,
    "client_optimizer": Callable,
    "server_optimizer": Callable,
    "attack": Attack,
    "aggregator": Rule | Stage,
}
"""The fields of an experiment that are parts, and what those make."""

_DYNAMIC = tuple(
    option.name
    for option in options_of(Experiment)
    if option.traced or option.name in (*PART_KINDS, "targets")
)
_STATIC = tuple(
    option.name for option in options_of(Experiment) if option.name not in _DYNAMIC
)
