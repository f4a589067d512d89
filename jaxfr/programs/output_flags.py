"""The flags for the folder of a program's files, and whether others are replaced."""

import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

from absl import flags

from jaxfr.errors import InvalidInputError
from jaxfr.files import user_errors, user_path
from jaxfr.programs.flag_parsers import ChoiceParser
from jaxfr.records.pictures import WIDTHS, can_draw, picture_files, width_in_inches
from jaxfr.terminal import paragraph

# Flags belong to the modules that call the function below.
flags.disclaim_key_flags()


def define(what: str, required: bool = False) -> None:
    """Defines ``--output_dir``, a folder for what is named, and ``--overwrite``."""
    default = "" if required else " Default: nothing is written."
    flags.DEFINE_string("output_dir", None, f"Folder for {what}.{default}")
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Whether files that exist already may be replaced; what is in a store stays.",
    )


class _WidthParser(ChoiceParser):
    """One of the widths that have a name, or inches."""

    def parse(self, argument: Any) -> Any:
        """See base class."""
        try:
            inches = float(argument)
        except ValueError:
            return super().parse(argument)
        try:
            return width_in_inches(inches)
        except InvalidInputError as error:
            raise ValueError(str(error).partition(": ")[2]) from None


def define_figure_width() -> None:
    """Defines ``--figure_width``, of a program that draws."""
    flags.DEFINE(
        _WidthParser(list(WIDTHS)),
        "figure_width",
        "text",
        "<{}|inches>: How wide pictures are: as a column of a paper ({column} in), as "
        "its text ({text} in), or so many inches; their text has 7 and 8 points in any "
        "case. Each is written as PNG, PDF and SVG.".format("|".join(WIDTHS), **WIDTHS),
        serializer=flags.ArgumentSerializer(),
    )


def figure_width() -> float:
    """The width that ``--figure_width`` names, in inches."""
    return width_in_inches(flags.FLAGS.figure_width)


def output_dir() -> pathlib.Path | None:
    """The folder that ``--output_dir`` names, None where it is not given."""
    text = flags.FLAGS.output_dir
    return None if text is None else user_path(text, "output_dir")


def tell_undrawn(what: str) -> None:
    """Says, before the work begins, what the folder will lack without matplotlib."""
    if output_dir() is not None and not can_draw():
        told = f"no {what} will be drawn: that needs pip install 'jaxfr[plots]'"
        print(told, flush=True)


def prepare_output(file_names: Sequence[str]) -> pathlib.Path | None:
    """Makes the folder of ``--output_dir``, before the work begins, and returns it."""
    folder = output_dir()
    if folder is not None:
        prepare_folder(folder, file_names)
    return folder


def prepare_folder(folder: pathlib.Path, file_names: Sequence[str]) -> None:
    """Makes a folder for files, and refuses to overwrite any that may not be.

    A name that ends in ``.png`` stands for all files of that picture.
    """
    with user_errors("make the output folder", folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = [
        path
        for name in file_names
        for path in (
            picture_files(folder / name) if name.endswith(".png") else [folder / name]
        )
    ]
    existing = [path.name for path in files if path.exists()]
    if existing and not flags.FLAGS.overwrite:
        raise InvalidInputError(
            f"{folder} already holds {', '.join(existing)}; choose another "
            "--output_dir or pass --overwrite"
        )


def tell_written(paths: Iterable[pathlib.Path]) -> None:
    """Prints which files were written, by folder; a picture's files in one."""
    by_folder: dict[pathlib.Path, list[str]] = {}
    for path in paths:
        names = by_folder.setdefault(path.parent, [])
        if path.suffix in (".pdf", ".svg"):
            names[-1] += f" {path.suffix}"
        else:
            names.append(path.name)
    for folder, names in by_folder.items():
        if len(names) == 1:
            print(f"wrote {folder / names[0]}")
        else:
            print(paragraph(f"wrote into {folder}: {', '.join(names)}"))
