"""Figures 1 and 2 of the paper, measured: sparse aggregation, and the items that fall.

python -m experiments.figure1_2 --dataset=ml-100k,steam --output_dir=runs/figure1_2
"""

from absl import flags

from experiments.studies import figure1_2, program
from jaxfr.aggregators import AGGREGATORS
from jaxfr.programs.flag_parsers import define_number
from jaxfr.programs.program import run_program
from jaxfr.ranges import COUNT_FROM_1, SHARE

flags.adopt_module_key_flags(program)

_AGGREGATORS = flags.DEFINE_list(
    "aggregators",
    list(figure1_2.COMPARED),
    f"Which of {', '.join(AGGREGATORS)} to compare, with commas between them. (krum "
    "takes much longer than the others on large data.)",
)
_RATIO = define_number(
    "attacked_ratio",
    figure1_2.MALICIOUS_RATIO,
    "Malicious share of all clients in Figure 1.",
    SHARE,
)
_TRAINED_ROUNDS = define_number(
    "trained_rounds",
    figure1_2.TRAINED_ROUNDS,
    "Rounds of clean training before the round that is taken apart, at most --rounds.",
    COUNT_FROM_1,
)


def main() -> None:
    """Does what the flags say."""
    program.main(
        figure1_2.study(_AGGREGATORS.value, _RATIO.value, _TRAINED_ROUNDS.value)
    )


if __name__ == "__main__":
    run_program(main)
