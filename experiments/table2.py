"""Table 2 of the paper: the statistics of the data sets.

python -m experiments.table2 --dataset=ml-100k,ml-1m,steam --output_dir=runs/table2
"""

from absl import flags

from experiments.studies import program, table2
from jaxfr.programs.program import run_program

flags.adopt_module_key_flags(program)


def main() -> None:
    """Does what the flags say."""
    program.main(table2.study())


if __name__ == "__main__":
    run_program(main)
