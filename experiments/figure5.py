"""Figure 5 of the paper, simulated: Spattack from different rounds on.

python -m experiments.figure5 --dataset=steam --seeds=0:5 --store=runs/store \
    --output_dir=runs/figure5
"""

from absl import flags

from experiments.studies import figure5, program
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)


def main() -> None:
    """Does what the flags say."""
    program.main(figure5.study())


if __name__ == "__main__":
    run_program(main)
