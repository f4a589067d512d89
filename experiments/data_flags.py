"""The flags that say where data come from, shared by all programs."""

from absl import flags

SYNTHETIC_HELP = (
    "Settings of --dataset=synthetic, name=value with commas between them: num_users, "
    "num_items, num_pairs, popularity_exponent, activity_sigma, latent_dimension, "
    "signal_strength, seed. Default: the size of ml-100k."
)
DATA_DIR = flags.DEFINE_string(
    "data_dir",
    None,
    "Folder of the data sets that are not fetched, one folder each (steam/train.txt, "
    "steam/test.txt). Default: the environment variable JAXFR_DATA_DIR.",
)


def define_synthetic_flag() -> flags.FlagHolder[str]:
    """Defines ``--synthetic`` for a program that takes a single value of it."""
    return flags.DEFINE_string("synthetic", "", SYNTHETIC_HELP)
