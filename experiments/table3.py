"""Table 3 of the paper beside its simulation: Spattack and six baseline attacks.

python -m experiments.table3 --dataset=ml-100k,ml-1m,steam --seeds=0:5 \
    --store=runs/store --output_dir=runs/table3
"""

from absl import flags

from experiments.studies import program, table3
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)


def main() -> None:
    """Does what the flags say."""
    program.main(table3.study())


if __name__ == "__main__":
    run_program(main)
