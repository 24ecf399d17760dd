"""A slider over a few texts, as the browser's own: with a name, its value in words, and the keys that people know."""

from __future__ import annotations

from typing import Any, ClassVar

import param
from panel.custom import JSComponent

from sim.explorer.style import DIAL


class Dial(JSComponent):  # type: ignore[misc]  # panel has no types of its own
    """A labelled slider; `value` is one of `options`."""

    label: Any = param.String(doc="What it sets.")
    options: Any = param.List(item_type=str, doc="The texts to choose from, in order.")
    value: Any = param.String(doc="The chosen one.")
    given: Any = param.String(doc="What the scenario says.")

    _esm = """
export function render({ model }) {
  const label = document.createElement("label"), input = document.createElement("input");
  const said = document.createElement("b"), hint = document.createElement("small");
  const at = () => Math.max(0, model.options.indexOf(model.value));
  const show = () => {
    input.max = model.options.length - 1;
    input.value = at();
    said.textContent = model.value;
    input.setAttribute("aria-valuetext", model.value);
    hint.textContent = model.value === model.given ? "" : `the scenario says ${model.given}`;
  };
  input.type = "range";
  input.min = 0;
  input.step = 1;
  label.append(said, model.label, input);
  input.setAttribute("aria-label", model.label);
  input.addEventListener("input", () => { model.value = model.options[input.value]; show(); });
  model.on("value", show);
  model.on("options", show);
  show();
  const row = document.createElement("div");
  row.append(label, hint);
  return row;
}
"""
    _stylesheets: ClassVar = [DIAL]
