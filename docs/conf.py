"""How Sphinx builds the documentation: ``python -m sphinx -W -b html docs build/docs``."""

import metaopt

project = "metaopt"
author = "The metaopt developers"
copyright = "The metaopt developers"  # noqa: A001 - the name that Sphinx reads
version = release = metaopt.__version__

extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["build"]

html_theme = "furo"
html_title = f"metaopt {release}"
# The system's fonts, and no links to a place where the sources might be: pages need no network.
html_show_sourcelink = False
html_copy_source = False
