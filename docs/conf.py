"""How the docs are built; `nox -s docs` does it with warnings as errors and no network."""

from __future__ import annotations

import tomllib
from pathlib import Path


_PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())

project = "retainkit"
author = "the retainkit authors"
copyright = "2026, the retainkit authors"
release = version = _PYPROJECT["project"]["version"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
nitpicky = False
exclude_patterns = ["_build"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = False

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "retainkit"
