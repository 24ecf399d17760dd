"""Pages to hand on: a result as one HTML file that needs no network, `sim.report_html`."""

from sim.pages.making import report_html

__all__ = ["report_html"]
