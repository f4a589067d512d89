"""The flags of a run's settings, shared by the programs that train."""

from absl import flags

from experiments import data_flags
from experiments.execution import MOST_CPU_DEVICES, RUNS_PER_GPU
from jaxfr.aggregators import AGGREGATORS
from jaxfr.data import DATASETS
from jaxfr.models import MODELS
from jaxfr.training.settings import OPTIMIZERS

flags.adopt_module_key_flags(data_flags)

flags.DEFINE_string(
    "dataset",
    "ml-100k",
    f"Data set: {', '.join(DATASETS)}, or the path of a file (CSV, TSV, Parquet) of "
    "user, item[, timestamp] rows, or of a folder with train.txt and test.txt. "
    "MovieLens is fetched at its first use.",
)
flags.DEFINE_enum("model", "fedmf", list(MODELS), "Recommender.")
flags.DEFINE_integer("embedding_dim", 32, "Embedding size d.", lower_bound=1)
flags.DEFINE_integer(
    "rounds", 200, "Rounds; every client takes part once in each.", lower_bound=1
)
flags.DEFINE_float("learning_rate", 0.01, "eta, of clients and server alike.")
flags.DEFINE_float("regularization", 0.1, "L2 coefficient lambda.")
flags.DEFINE_enum(
    "negatives",
    "fixed",
    ["fixed", "resample"],
    "Whether negative items are drawn once, before round 0, or anew in each round.",
)
flags.DEFINE_float(
    "participation",
    1.0,
    "Share of all clients that the server draws for each round, above 0, at most 1.",
)
flags.DEFINE_enum(
    "client_optimizer", "sgd", list(OPTIMIZERS), "Optimiser of user embeddings."
)
flags.DEFINE_enum(
    "server_optimizer", "sgd", list(OPTIMIZERS), "Optimiser of item embeddings."
)
flags.DEFINE_float(
    "malicious_ratio",
    0.03,
    "Malicious share rho of all clients, 0 <= rho < 1; floor(n rho / (1 - rho)) "
    "malicious clients join the n benign ones.",
)
flags.DEFINE_integer(
    "attack_start", 0, "First round with malicious uploads, from 0.", lower_bound=0
)
flags.DEFINE_float(
    "noise_scale", 1.0, "Standard deviation sigma of the noise of the L attacks."
)
flags.DEFINE_integer(
    "max_poisoned_items",
    0,
    "Items that a malicious client of the S attacks poisons; 0: the largest number of "
    "distinct items that a benign client uploads.",
    lower_bound=0,
)
flags.DEFINE_enum(
    "aggregator", "mean", list(AGGREGATORS), "How the server joins an item's uploads."
)
flags.DEFINE_enum(
    "aggregation",
    "sparse",
    ["sparse", "dense"],
    "sparse: only the uploads that an item received; dense: clients that sent none "
    "count as zero rows.",
)
flags.DEFINE_integer(
    "expected_byzantine",
    -1,
    "Byzantine clients that the aggregator expects; -1: as many as --malicious_ratio "
    "adds, in a clean run too.",
    lower_bound=-1,
)
flags.DEFINE_float(
    "clip_norm",
    None,
    "Clips every upload to this Euclidean norm, before any aggregator. Default: 1 for "
    "--aggregator=norm, otherwise no clipping.",
)
flags.DEFINE_enum(
    "trim_form",
    "paper",
    ["paper", "classic"],
    "trimmed_mean drops the expected_byzantine values farthest from the median "
    "(paper), or a share at each end (classic).",
)
flags.DEFINE_float(
    "trim_share",
    None,
    "Share that the classic trimmed mean drops at each end, 0 <= share < 0.5. Default: "
    "expected_byzantine over all clients.",
)
flags.DEFINE_enum(
    "krum_distance",
    "squared",
    ["squared", "plain"],
    "Whether Krum sums squared Euclidean distances, or the distances.",
)
flags.DEFINE_enum(
    "ranking",
    "sampled",
    ["sampled", "full"],
    "Ranks a user's test item among sampled items, or among all it did not train on.",
)
flags.DEFINE_integer(
    "num_candidates",
    99,
    "Items that a test item is ranked among in sampled ranking.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "eval_every",
    10,
    "Evaluates after every so many rounds, and after the last; 0: after the last only.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "num_devices",
    0,
    "Devices to use: cores of the CPU, or GPUs. Runs are divided among them; a single "
    f"run on a CPU is spread over them. 0: all, on a CPU {MOST_CPU_DEVICES} at most.",
    lower_bound=0,
)
flags.DEFINE_integer(
    "runs_at_once",
    0,
    "Runs (seeds) in one call of the compiled program, a multiple of the devices among "
    f"which they are divided. 0: one for each core, {RUNS_PER_GPU} for each GPU, fewer "
    "where memory is short.",
    lower_bound=0,
)
