"""A result store as one page to explore: sort, filter, group, draw, repeat, take away.

``contents.py`` says what a store holds in columns, ``command.py`` how a run is done
again, ``page.py`` puts both with Vega-Lite and a script into one file of HTML.
"""

from jaxfr.explorer.contents import contents_of
from jaxfr.explorer.page import PAGE_FILE, can_render, render, write_page

__all__ = ["PAGE_FILE", "can_render", "contents_of", "render", "write_page"]
