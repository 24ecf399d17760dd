"""The live page itself, with Panel: sliders, both rates, the plane, the worst timeline, link and download.

Nothing is computed here. A turn of a knob starts a new answer and makes those under way stop at their next step; what
comes first is shown first.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any, Final

import panel as pn
from panel.viewable import Viewer

from sim.errors import ScenarioError, UsageError
from sim.explorer import wording
from sim.explorer.answers import ROUNDS, Answer, answers
from sim.explorer.dial import Dial
from sim.explorer.drawing import told_apart, worst_of
from sim.explorer.plane import Plane
from sim.explorer.state import NOBODY, State, Subject, presets, restored
from sim.explorer.style import BESIDE, FORM, PICTURE, TEXT

LABEL: Final = "label" if "label" in pn.widgets.Select.param else "name"
"""What a widget's label is called: newer versions of Panel have a word of its own for it."""


class Explorer(Viewer):  # type: ignore[misc]  # panel has no types of its own
    """A live page on a scenario; evaluate it bare in a notebook."""

    def __init__(self, subject: Subject, query: str = "", address: str = "", **params: Any) -> None:
        if not address:
            pn.extension(inline=True)  # a notebook: what the page needs goes into it, from no other host
        super().__init__(**params)
        self.subject, self.state, self.ignored = restored(subject, query)
        self.answer: Answer | None = None
        self._address, self._turn = address, 0
        self._pencil = asyncio.Lock()
        self._drawn: tuple[State, int | None] | None = None
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
                given=knob.as_given, sizing_mode="stretch_width", margin=(4, 10),
            )
            for knob in self.subject.knobs
        }  # fmt: skip
        self.against = pn.widgets.Select(
            **{LABEL: "Compare with"}, options=[NOBODY, *presets()], value=self.state.against,
            sizing_mode="stretch_width", stylesheets=[FORM],
        )  # fmt: skip
        self.numbers, self.story, self.links = self._text(""), self._text(""), self._text("")
        self._figure = pn.pane.Bokeh(self._plane.figure, sizing_mode="stretch_width")
        self.picture = pn.pane.PNG(
            None, sizing_mode="scale_width", alt_text="Timeline of the worst replication", stylesheets=[PICTURE]
        )
        self.download = pn.widgets.FileDownload(
            callback=self._toml,
            filename=f"{self.subject.origin.title}-explored.toml",
            label="Download as TOML",
            stylesheets=[FORM],
        )

    @staticmethod
    def _text(html: str) -> Any:
        return pn.pane.HTML(html, stylesheets=[TEXT], sizing_mode="stretch_width")

    def __panel__(self) -> Any:
        """Return what Panel shows."""
        knobs = pn.Column(*self.sliders.values(), self.against, self.download, width=330)
        shown = pn.Column(
            self.numbers, self._figure, self.picture, self.story, sizing_mode="stretch_width", styles=BESIDE
        )
        heading = self._text(wording.heading(self.subject) + wording.unusable(self.ignored))
        both = pn.FlexBox(knobs, shown, sizing_mode="stretch_width")  # one below the other where there is no room
        return pn.Column(heading, both, self.links, sizing_mode="stretch_width")

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
            self._show(next(answers(self.subject, self.state)))
        except (ScenarioError, UsageError) as error:
            self._refuse(error)
            return
        pn.state.onload(self._go) if self._address else pn.state.execute(self._go)

    async def _go(self) -> None:
        """Answer the state as it is now, better and better, until somebody turns on."""
        self._turn += 1
        mine, state = self._turn, self.state
        self._describe()
        coming, drawing = answers(self.subject, state, wanted=lambda: mine == self._turn), None
        while True:
            try:
                answer = await asyncio.to_thread(next, coming, None)
            except (ScenarioError, UsageError) as error:
                if mine == self._turn:
                    self._refuse(error)
                return
            if answer is None or mine != self._turn:
                break
            self._show(answer)
            drawing = drawing or asyncio.ensure_future(self._draw(mine, state, answer.replications))
        if drawing is not None:
            await drawing
            await self._draw(mine, state, ROUNDS[-1])

    async def _draw(self, mine: int, state: State, count: int) -> None:
        """Show the worst replication so far, unless somebody turned on; one is drawn at a time, for the last turn."""
        async with self._pencil:
            if mine != self._turn:
                return
            at = worst_of(self.subject, state, count)
            if self._drawn == (state, at):
                return
            moment = await told_apart(self.subject, state, at)
            if mine == self._turn:
                self._drawn = state, at
                self.story.object, self.picture.object = moment.story, moment.picture

    # ------------------------------------------------------------------ showing

    def _show(self, answer: Answer) -> None:
        self.answer = answer
        self.numbers.object = wording.numbers(answer, self.state)
        self.download.disabled = False
        self._in_turn(lambda: self._move(answer))

    def _in_turn(self, change: Callable[[], None]) -> None:
        """Change the plane: a model of Bokeh's own, which changes under the lock of its page."""
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            document.add_next_tick_callback(change)
        else:
            change()
            self._figure.param.trigger("object")  # a notebook is told of nothing that Panel did not see

    def _move(self, answer: Answer | None) -> None:
        if answer is None and self.answer is None:
            self._plane.forget()
        elif answer is not None and answer is self.answer:
            self._plane.show(answer, wording.against(self.state.against))

    def _refuse(self, error: ScenarioError | UsageError) -> None:
        """Say why there is no answer, and show none: not that of a state before, either."""
        self.answer = self._drawn = None
        said = [each.sentence for each in error.problems] if isinstance(error, ScenarioError) else [error.message]
        self.numbers.object = wording.problems(said)
        self.story.object, self.picture.object = "", None
        self.download.disabled = True
        self._in_turn(lambda: self._move(None))

    def _describe(self) -> None:
        if self._address and pn.state.location is not None:
            pn.state.location.search = self.state.query()
        self.links.object = wording.link(self.subject, self.state, self._address)

    def _toml(self) -> io.StringIO:
        return io.StringIO(self.state.toml(self.subject))
