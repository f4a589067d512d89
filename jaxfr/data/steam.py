"""Steam: games that players own, with a training and a test set that are given.

Source: Cheuque, Guzman and Parra, "Recommender Systems for Online Video Game
Platforms: The Case of STEAM", WWW 2019; split by Rong et al., "FedRecAttack: Model
Poisoning Attack to Federated Recommendation", ICDE 2022, as the Spattack paper has it.
"""

import os

from jaxfr.data.dataset import Counts, Dataset, HeldOut, holding_out
from jaxfr.data.files import TEST_FILE, TRAIN_FILE, read_text_pair
from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors, user_path
from jaxfr.parts import part

DATA_DIR_VARIABLE = "JAXFR_DATA_DIR"

_FOLDER = "steam"
_COUNTS = Counts(users=3753, items=5134, pairs=114_713)
_SOURCE = "https://github.com/rdz98/FedRecAttack (Data/steam)"


@part
def steam(data_dir: str | None = None, held_out: HeldOut = "test") -> Dataset:
    """Games on Steam: 3,753 users, 5,134 items (5,092 occur), 114,713 pairs.

    Args:
        data_dir: the folder that holds ``steam/train.txt`` and ``steam/test.txt``; none
            stands for ``--data_dir``, or else the environment variable
            ``JAXFR_DATA_DIR``.
        held_out: which item of a user is held out.

    Raises:
        InvalidInputError: if no folder is named, a file is missing, or the files do
            not hold the published data set.
    """
    wanted = f"{_FOLDER}/{TRAIN_FILE} and {_FOLDER}/{TEST_FILE}"
    named = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if not named:
        raise InvalidInputError(
            f"steam is not fetched: get it from {_SOURCE}, put {wanted} into a folder "
            f"and name it with data_dir or {DATA_DIR_VARIABLE}"
        )
    folder = user_path(named) / _FOLDER
    with user_errors("read", folder):
        found = [(folder / name).is_file() for name in (TRAIN_FILE, TEST_FILE)]
    if not all(found):
        raise InvalidInputError(
            f"steam: {folder.parent} does not hold {wanted}; get them from {_SOURCE}, "
            f"or name another folder with data_dir or {DATA_DIR_VARIABLE}"
        )
    dataset, _ = read_text_pair(folder, name="steam")
    dataset.check_counts(_COUNTS)
    return holding_out(dataset, held_out)
