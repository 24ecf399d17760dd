"""How the live page looks, light and dark. In a notebook its colours are those of JupyterLab's theme."""

from __future__ import annotations

from typing import Final

PAGE: Final = """
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1c1c1c; --soft: #565656; --line: #c9c9c9; --tint: #e6f1f8; --accent: #00598c;
  --warning: #fff3d6; --picture: none;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181a; --ink: #ececec; --soft: #b4b4b4; --line: #4a4d50; --tint: #1d3342; --accent: #7cc4f2;
    --warning: #40361b; --picture: invert(0.91) hue-rotate(180deg);
  }
}
html, body { background: var(--ground); color: var(--ink); }
body { margin: 0 auto; max-width: 84rem; padding: .75rem 1.25rem 3rem; }
"""
"""Of the served page: a picture is turned inside out where it is dark, and keeps its hues."""

_INK: Final = "var(--ink, var(--jp-content-font-color1, #1c1c1c))"
_SOFT: Final = "var(--soft, var(--jp-content-font-color2, #565656))"
_LINE: Final = "var(--line, var(--jp-border-color1, #c9c9c9))"
_GROUND: Final = "var(--ground, var(--jp-layout-color0, #ffffff))"
_ACCENT: Final = "var(--accent, var(--jp-content-link-color, #00598c))"

TEXT: Final = f"""
:host {{ font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: {_INK}; }}
h1 {{ font-size: 1.45rem; margin: .2rem 0; }} h2 {{ font-size: 1.1rem; margin: .8rem 0 .3rem; }}
p {{ margin: .25rem 0; max-width: 60rem; }} a {{ color: {_ACCENT}; }} code {{ overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: 600; padding-bottom: .25rem; }}
th, td {{ border: 1px solid {_LINE}; padding: .3rem .6rem; text-align: left; }} td span, .fine {{ color: {_SOFT}; }}
tr.now > * {{ background: var(--tint, transparent); }}
[role=alert] {{ background: var(--warning, transparent); border-left: .3rem solid #b86e00; padding: .3rem .6rem; }}
"""

DIAL: Final = f"""
:host {{ font: 14px/1.35 system-ui, "DejaVu Sans", sans-serif; color: {_INK}; }}
label {{ display: block; color: {_INK}; }}
input {{ display: block; width: 100%; margin: .2rem 0 0; accent-color: {_ACCENT}; }}
b {{ float: right; margin-left: .6rem; }} small {{ color: {_SOFT}; }} small:empty {{ display: none; }}
input:focus-visible {{ outline: 3px solid {_ACCENT}; outline-offset: 2px; }}
"""

FORM: Final = f"""
:host {{ color: {_INK}; --surface-text-color: {_INK}; }}
label, .bk-input, .bk-btn, .bk-btn a, a {{ color: {_INK} !important; }}
.bk-input, .bk-btn {{ background-color: {_GROUND} !important; border: 1px solid {_SOFT} !important; }}
:focus-visible {{ outline: 3px solid {_ACCENT} !important; outline-offset: 2px; }}
"""

PICTURE: Final = ":host { filter: var(--picture, none); }"

BESIDE: Final = {"flex": "1 1 20rem", "min-width": "0"}
"""What is shown takes the room beside the knobs, or, where less than this is left, the whole width below them."""
