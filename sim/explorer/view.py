"""The live page itself, with Panel: sliders, both rates, the plane, the worst timeline, link and download.

Nothing is computed here. A turn of a knob starts a new answer and makes those under way stop at their next step; what
comes first is shown first.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from typing import Any, Final

import panel as pn
from panel.viewable import Viewer

from sim.errors import ScenarioError
from sim.explorer import wording
from sim.explorer.answers import Answer, answers, worst_run
from sim.explorer.dial import Dial
from sim.explorer.plane import Plane
from sim.explorer.state import NOBODY, State, Subject, presets, restored
from sim.results.single import Run

_STYLE: Final = """
:host { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #1c1c1c; }
h1 { font-size: 1.45rem; margin: .2rem 0; } h2 { font-size: 1.1rem; margin: .8rem 0 .3rem; } p { margin: .25rem 0; }
table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; }
th, td { border: 1px solid #c9c9c9; padding: .3rem .6rem; text-align: left; }
tr.now > * { background: #e6f1f8; } td span { color: #555; } code { overflow-wrap: anywhere; }
[role=alert] { background: #fff3d6; border-left: .3rem solid #b86e00; padding: .3rem .6rem; }
"""
_DOTS_PER_INCH: Final = 90.0


class Explorer(Viewer):  # type: ignore[misc]  # panel has no types of its own
    """A live page on a scenario; evaluate it bare in a notebook."""

    def __init__(self, subject: Subject, query: str = "", address: str = "", **params: Any) -> None:
        if not address:
            pn.extension(inline=True)  # a notebook: what the page needs goes into it, from no other host
        super().__init__(**params)
        self.subject, self.state, self.ignored = restored(subject, query)
        self.answer: Answer | None = None
        self._address, self._turn = address, 0
        self._plane = Plane()
        self._build()
        self._describe()
        for key, slider in self.sliders.items():
            slider.param.watch(self._turned(key), "value")
        self.against.param.watch(self._compared, "value")
        self._first()

    # ------------------------------------------------------------------ parts

    def _build(self) -> None:
        turned = self.state.turned
        self.sliders = {
            knob.key: Dial(
                label=knob.title, options=list(knob.choices), value=turned.get(knob.key, knob.as_given),
                given=knob.as_given, sizing_mode="stretch_width",
            )
            for knob in self.subject.knobs
        }  # fmt: skip
        self.against = pn.widgets.Select(
            name="Compare with", options=[NOBODY, *presets()], value=self.state.against, sizing_mode="stretch_width"
        )
        self.numbers, self.story, self.links = self._text(""), self._text(""), self._text("")
        self._drawn = pn.pane.Bokeh(self._plane.figure, sizing_mode="stretch_width")
        self.picture = pn.pane.PNG(None, sizing_mode="scale_width", alt_text="Timeline of the worst replication")
        self.download = pn.widgets.FileDownload(
            callback=self._toml, filename=f"{self.subject.origin.title}-explored.toml", label="Download as TOML"
        )

    @staticmethod
    def _text(html: str) -> Any:
        return pn.pane.HTML(html, stylesheets=[_STYLE], sizing_mode="stretch_width")

    def __panel__(self) -> Any:
        """Return what Panel shows."""
        knobs = pn.Column(*self.sliders.values(), self.against, self.download, width=330)
        shown = pn.Column(self.numbers, self._drawn, self.picture, self.story, sizing_mode="stretch_width")
        heading = self._text(wording.heading(self.subject))
        return pn.Column(heading, pn.Row(knobs, shown, sizing_mode="stretch_width"), self.links)

    # ------------------------------------------------------------------ turning

    def _turned(self, key: str) -> Any:
        async def turned(event: Any) -> None:
            self.state = self.state.turn(self.subject, key, event.new)
            await self._go()

        return turned

    async def _compared(self, event: Any) -> None:
        self.state = State(self.state.turned, event.new)
        await self._go()

    def _first(self) -> None:
        """Show a first answer at once, and let the better ones come when the page is there."""
        try:
            self._show(next(self._answers(self.state)))
        except ScenarioError as error:
            self._refuse(error)
            return
        pn.state.onload(self._go) if self._address else pn.state.execute(self._go)

    def _answers(self, state: State) -> Iterator[Answer]:
        return answers(self.subject, state)

    async def _go(self) -> None:
        """Answer the state as it is now, better and better, until somebody turns on."""
        self._turn += 1
        mine, state = self._turn, self.state
        self._describe()
        coming = self._answers(state)
        drawn: int | None = None
        while True:
            try:
                answer = await asyncio.to_thread(next, coming, None)
            except ScenarioError as error:
                if mine == self._turn:
                    self._refuse(error)
                return
            if answer is None or mine != self._turn:
                return
            self._show(answer)
            run = await asyncio.to_thread(worst_run, self.subject, state, answer.replications)
            if mine != self._turn:
                return
            if (run.replication if run else -1) != drawn:  # the same replication gives the same picture
                drawn = run.replication if run else -1
                story, picture = await asyncio.to_thread(_told, run)
                if mine != self._turn:
                    return
                self.story.object, self.picture.object = story, picture

    # ------------------------------------------------------------------ showing

    def _show(self, answer: Answer) -> None:
        self.answer = answer
        self.numbers.object = wording.numbers(answer, self.state)
        self.download.disabled = False
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(lambda: self._move(answer))  # Bokeh's own models change under its lock
        else:
            self._move(answer)
            self._drawn.param.trigger("object")  # a notebook is told of nothing that Panel did not see

    def _move(self, answer: Answer) -> None:
        if answer is self.answer:
            self._plane.show(answer, wording.against(self.state.against))

    def _refuse(self, error: ScenarioError) -> None:
        self.answer = None
        self.numbers.object = wording.problems(f"{each.path}: {each.message}" for each in error.problems)
        self.download.disabled = True

    def _describe(self) -> None:
        if self._address and pn.state.location is not None:
            pn.state.location.search = self.state.query()
        self.links.object = wording.link(self.subject, self.state, self._address, self.ignored)

    def _toml(self) -> io.StringIO:
        return io.StringIO(self.state.toml(self.subject))


def _told(run: Run | None) -> tuple[str, bytes | None]:
    """The story and the picture of a replication."""
    from sim.report.style import png

    if run is None:
        return wording.told(None), None
    figure = run.plot_timeline(next(iter(run.terminations), None))
    figure.set_dpi(_DOTS_PER_INCH)
    return wording.told(run), png(figure)
