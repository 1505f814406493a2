"""From the session's events to the transcript's parts. Knows no screen, only a transcript."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import singledispatchmethod
from itertools import zip_longest

from tui.model import events
from tui.model.message import (
    ImagePart,
    Message,
    NoticePart,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from tui.widgets.parts import NoticeView, PartView, ReasoningView, TextView, TurnLine, UserView
from tui.widgets.picture import PictureView
from tui.widgets.tool_call import CallState, ToolCallView
from tui.widgets.transcript import Transcript


class TurnFeed:
    """Feeds one conversation into a transcript, event by event."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._message_id = ""
        self._text: TextView | None = None
        self._reasoning: ReasoningView | None = None
        self._calls: dict[str, ToolCallView] = {}
        self._usage: events.Usage | None = None
        self._round_texts: list[TextView] = []
        self.folds_thoughts = True
        self.images_of: Callable[[str], Sequence[ImagePart]] = lambda _message_id: ()
        """The pictures of a user's message, which its event does not carry."""
        self.on_finished: Callable[[events.TurnFinished | events.TurnFailed], None] = lambda _event: None

    def reset(self) -> None:
        """Forget the parts of what was shown before."""
        self._message_id, self._text, self._reasoning, self._usage = "", None, None, None
        self._calls.clear()
        self._round_texts.clear()

    def show(self, messages: Sequence[Message], turns: Mapping[str, events.TurnFigures] | None = None) -> None:
        """Show a branch from the beginning, every turn with its figures; the last message may still be growing."""
        self.reset()
        views: list[PartView] = []
        for message, following in zip_longest(messages, messages[1:]):
            for part in message.parts:
                view = self._view_of(message, part)
                if view is not None:
                    views.append(view)
                if isinstance(part, ToolResultPart):
                    views += self._pictures(part)
            if message.role == "assistant":
                self._message_id = message.id
                self._text, self._reasoning = _open_ends(views, message)
            ends = following is None or following.turn != message.turn
            figures = turns.get(message.turn) if turns and message.turn and ends else None
            if figures is not None:
                views.append(TurnLine(self._message_id, figures.usage, figures.timings))
        self._transcript.replace(views)

    def _view_of(self, message: Message, part: Part) -> PartView | None:
        match part:
            case TextPart(text):
                if message.role == "user":
                    return UserView(message.id, text)
                return TextView(message.id, text=text)
            case ReasoningPart(text, seconds):
                return self._thought(message.id, text, seconds)
            case ToolCallPart(call_id, name, arguments):
                view = ToolCallView(message.id, call_id, name, arguments)
                self._calls[call_id] = view
                return view
            case ToolResultPart() as result:
                if result.call_id in self._calls:
                    _finish(self._calls[result.call_id], result)
                return None
            case NoticePart(problem):
                return NoticeView(message.id, problem)
            case ImagePart():
                return PictureView(message.id, part)

    def _thought(self, message_id: str, text: str = "", seconds: float | None = None) -> ReasoningView:
        view = ReasoningView(message_id, text=text, seconds=seconds)
        view.open = not self.folds_thoughts
        return view

    def _pictures(self, result: ToolResultPart | events.ToolResult) -> list[PictureView]:
        """What a tool drew; it stands below the calls, which are one line each."""
        return [PictureView(self._message_id, image, name=result.name) for image in result.images]

    def running(self) -> list[ToolCallView]:
        """The calls that run now: their seconds are counted on screen."""
        return [call for call in self._calls.values() if call.state is CallState.RUNNING]

    # events

    def feed(self, event: events.SessionEvent) -> None:
        """Show what happened. Events that concern other places (queue, meter, title) are ignored here."""
        self._on(event)

    @singledispatchmethod
    def _on(self, event: events.SessionEvent) -> None:
        """Not the transcript's business."""

    @_on.register
    def _user(self, event: events.UserMessageAdded) -> None:
        for image in self.images_of(event.message_id):
            self._transcript.add(PictureView(event.message_id, image))
        if event.text:
            self._transcript.add(UserView(event.message_id, event.text))
        self._transcript.follow()

    @_on.register
    def _deleted(self, event: events.MessagesDeleted) -> None:
        self._transcript.swap([view for view in self._transcript.part_views() if view.message_id in event.ids])

    @_on.register
    def _turn(self, _event: events.TurnStarted) -> None:
        self._usage = None

    @_on.register
    def _round(self, event: events.RoundStarted) -> None:
        self._close_open_parts()
        self._round_texts.clear()
        if event.message_id == self._message_id:
            self._reopen()
        self._message_id = event.message_id

    @_on.register
    def _text_delta(self, event: events.TextDelta) -> None:
        if self._reasoning is not None:
            self._reasoning.finish()
            self._reasoning = None
        if self._text is None:
            self._text = TextView(self._message_id)
            self._round_texts.append(self._text)
            self._text.feed(event.text)
            self._transcript.add(self._text)
        else:
            self._text.feed(event.text)

    @_on.register
    def _reasoning_delta(self, event: events.ReasoningDelta) -> None:
        if self._text is not None:
            self._text.finish()
            self._text = None
        if self._reasoning is None:
            self._reasoning = self._thought(self._message_id)
            self._reasoning.feed(event.text)
            self._transcript.add(self._reasoning)
        else:
            self._reasoning.feed(event.text)

    @_on.register
    def _reasoning_over(self, event: events.ReasoningFinished) -> None:
        if self._reasoning is not None:
            self._reasoning.finish(seconds=event.seconds)

    @_on.register
    def _reasoning_was_answer(self, _event: events.ReasoningWasAnswer) -> None:
        views = [view for view in self._parts_of_message() if isinstance(view, ReasoningView)]
        if views:
            text = "".join(view.text for view in views)
            self._transcript.swap(views, TextView(self._message_id, text=text))
            self._reasoning = None

    @_on.register
    def _text_was_reasoning(self, _event: events.TextWasReasoning) -> None:
        views = list(self._round_texts)
        if views:
            text = "".join(view.text for view in views)
            self._reasoning = self._thought(self._message_id, text, 0.0)  # its seconds come with the next event
            self._transcript.swap(views, self._reasoning)
            self._text = None
            self._round_texts.clear()

    @_on.register
    def _call(self, event: events.ToolCallStarted) -> None:
        self._close_open_parts()
        view = ToolCallView(self._message_id, event.call_id, event.name)
        self._calls[event.call_id] = view
        self._transcript.add(view)

    @_on.register
    def _call_arguments(self, event: events.ToolCallArguments) -> None:
        if event.call_id in self._calls:
            self._calls[event.call_id].feed(event.fragment)

    @_on.register
    def _call_asked(self, event: events.ToolApprovalAsked) -> None:
        if event.call_id in self._calls:
            self._calls[event.call_id].set_state(CallState.ASKED)

    @_on.register
    def _call_running(self, event: events.ToolRunning) -> None:
        if event.call_id in self._calls:
            self._calls[event.call_id].set_state(CallState.RUNNING)

    @_on.register
    def _call_result(self, event: events.ToolResult) -> None:
        view = self._calls.get(event.call_id)
        if view is None:
            view = self._calls[event.call_id] = ToolCallView(self._message_id, event.call_id, event.name)
            self._transcript.add(view)
        _finish(view, event)
        for picture in self._pictures(event):
            self._transcript.add(picture)

    @_on.register
    def _tokens(self, event: events.Usage) -> None:
        self._usage = event if self._usage is None else self._usage + event
        for view in self._parts_of_message():
            if isinstance(view, ReasoningView) and event.reasoning_tokens:
                view.finish(tokens=event.reasoning_tokens)

    @_on.register
    def _notice(self, event: events.Notice) -> None:
        self._transcript.add(NoticeView(self._message_id, event.problem))

    @_on.register
    def _finished(self, event: events.TurnFinished) -> None:
        self._close_open_parts()
        self._transcript.add(TurnLine(self._message_id, self._usage, event.timings))
        self.on_finished(event)

    @_on.register
    def _failed(self, event: events.TurnFailed) -> None:
        self._close_open_parts()
        self._transcript.add(NoticeView(self._message_id, event.problem))
        self._transcript.add(TurnLine(self._message_id, self._usage, event.timings))
        self.on_finished(event)

    # helpers

    def _parts_of_message(self) -> list[PartView]:
        """The parts of the message that is being written; they are the last ones."""
        found: list[PartView] = []
        for view in reversed(self._transcript.part_views()):
            if view.message_id == self._message_id:
                found.append(view)
            elif found:
                break
        return found[::-1]

    def _reopen(self) -> None:
        """A cut answer goes on: its text grows again, and what was said about the cut goes away."""
        views = self._parts_of_message()
        said = [view for view in views if isinstance(view, (NoticeView, TurnLine))]
        rest = [view for view in views if view not in said]
        if rest and isinstance(rest[-1], TextView) and rest[-1].SAID:
            self._text = rest[-1]
            self._transcript.swap(said)

    def _close_open_parts(self) -> None:
        if self._text is not None:
            self._text.finish()
        if self._reasoning is not None and self._reasoning.thinking:
            self._reasoning.finish()
        self._text, self._reasoning = None, None


def _open_ends(views: list[PartView], message: Message) -> tuple[TextView | None, ReasoningView | None]:
    """The part that goes on growing when the branch ends in an unfinished message."""
    if message.complete or not views or views[-1].message_id != message.id:
        return None, None
    last = views[-1]
    if isinstance(last, ReasoningView):
        return None, last
    return (last if isinstance(last, TextView) else None), None


def _finish(view: ToolCallView, result: ToolResultPart | events.ToolResult) -> None:
    view.finish(result.content, ok=result.ok, seconds=result.seconds, problem=result.problem)
    if result.log or result.full or result.images:
        view.tell(log=result.log, full=result.full, images=result.images)
