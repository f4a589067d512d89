"""Figure 3 of the paper, simulated: Spattack against five defenses.

python -m experiments.figure3 --dataset=ml-100k --seeds=0:5 --store=runs/store \
    --output_dir=runs/figure3
"""

from absl import flags

from experiments.studies import figure3, program
from experiments.studies.figure3.points import DEFENSES
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)

_DEFENSES = flags.DEFINE_list(
    "defenses",
    list(DEFENSES),
    f"Which of {', '.join(DEFENSES)} to run, with commas between them. "
    "(trimmed_mean and krum take much longer than the others.)",
)


def main() -> None:
    """Does what the flags say."""
    program.main(figure3.study(_DEFENSES.value))


if __name__ == "__main__":
    run_program(main)
