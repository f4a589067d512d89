"""The hyperparameters of Spattack and FedMF, one at a time.

python -m experiments.hyperparameters --dataset=ml-100k --seeds=0:5 \
    --store=runs/store --output_dir=runs/hyperparameters
"""

from absl import flags

from experiments.studies import hyperparameters, program
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)


def main() -> None:
    """Does what the flags say."""
    program.main(hyperparameters.study())


if __name__ == "__main__":
    run_program(main)
