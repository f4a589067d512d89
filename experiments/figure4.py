"""Figure 4 of the paper, simulated: Spattack on FedGNN.

python -m experiments.figure4 --dataset=ml-100k,steam --seeds=0:5 --store=runs/store \
    --output_dir=runs/figure4
"""

from absl import flags

from experiments.studies import figure4, program
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)


def main() -> None:
    """Does what the flags say."""
    program.main(figure4.study())


if __name__ == "__main__":
    run_program(main)
