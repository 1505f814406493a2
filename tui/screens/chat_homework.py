"""The homework from the chat: the walk is shown, does a step, and is shown again with what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from tui.i18n import _
from tui.model.problem import Problem, ProblemError
from tui.screens.chat_actions import ChatActions

if TYPE_CHECKING:
    from textual.worker import Worker

    from tui.export.document import Document
    from tui.homework.assignment import Assignment
    from tui.homework.walk import Around, WalkStep, WalkView
    from tui.screens.homework import Choice
    from tui.screens.homework_state import Walk
    from tui.screens.launching import LaunchSide
    from tui.screens.seam import ChatSession

_PAUSE = 0.05
_EVERY = 0.5
_OPENING_ATTEMPTS = 400  # a workspace that is being opened is there within seconds


class HomeworkActions(ChatActions):
    """Mixed into the chat screen."""

    def action_homework(self, tasks: str = "") -> None:
        """Walk through the tasks named (ids, separated by commas; without any: the camp's and the user's own)."""
        from tui.screens.homework import HomeworkScreen

        if not any(isinstance(screen, HomeworkScreen) for screen in self.app.screen_stack):
            self._walk_through(tasks)

    @work(group="homework", exclusive=True)
    async def _walk_through(self, tasks: str) -> None:
        from tui.screens.homework import HomeworkScreen
        from tui.screens.homework_state import begin

        walk = await asyncio.to_thread(begin, tasks)
        if not walk.assignments:
            self.tell(Problem("homework.none", {"names": tasks}))
            return
        await self._look_around(walk)
        while True:
            await self._refresh(walk)
            keys = self._starter.keys_of_user
            look = partial(self._view, walk)
            screen = HomeworkScreen(look, walk.said, walk.problems, eats=self.eats, keymap=keys)
            following = self.run_worker(self._follow(walk), group="homework-follow", exclusive=True)
            try:
                choice = await self.app.push_screen_wait(screen)
            finally:
                following.cancel()
            await self._keep(walk)
            if choice is None:
                return
            walk.said = ""
            await self._obey(walk, choice)

    def open_shot(self) -> Worker[None]:
        """Open the picture's preview; the worker ends when it is closed."""
        raise NotImplementedError

    # what there is

    def _view(self, walk: Walk) -> WalkView:
        from tui.homework.walk import view_of

        return view_of(walk.assignments, walk.progress, self._around(walk), walk.others)

    def _around(self, walk: Walk) -> Around:
        from tui.homework.checking import Happened
        from tui.homework.walk import Around
        from tui.model.server import LinkPhase

        workspace = self.workspace
        if workspace is None:
            return Around(models=walk.models)
        link, memory = workspace.link, workspace.memory
        happened = Happened(
            workspace.reading.messages,
            walk.turns,
            memory.snapshot() if memory is not None else (),
            (link.model or "") if link is not None else "",
        )
        phases = (LinkPhase.HEALTHY, LinkPhase.DEGRADED)
        return Around(happened, link is not None and link.link.phase in phases, walk.models)

    @property
    def _starter(self) -> LaunchSide:
        """The app, as what starts servers."""
        from tui.screens.launching import LaunchSide

        assert isinstance(self.app, LaunchSide)  # noqa: S101 (no other app opens this screen)
        return self.app

    async def _look_around(self, walk: Walk) -> None:
        """The models that are there; asked again after a quantisation."""
        walk.models = await self._starter.model_folders()

    async def _refresh(self, walk: Walk) -> None:
        """Read what was kept: the turns of the open conversation, and the conversations of the other tasks."""
        from tui.screens.homework_state import happened_in

        workspace = self.workspace
        session = workspace.session if workspace is not None else None
        here = session.conversation_id if session is not None else ""
        walk.turns = (await self._kept_document(here)).turns if here else ()
        walk.others.clear()
        for one in walk.assignments:
            other = walk.progress.of(one.id).conversation
            if other and other != here:
                document = await self._kept_document(other)
                walk.others[one.id] = happened_in(document)
        await self._keep(walk)

    async def _follow(self, walk: Walk) -> None:
        """While the walk is shown, read again what is kept whenever something else is open."""
        before = self._opened
        while True:
            await asyncio.sleep(_EVERY)
            if self._opened != before:
                before = self._opened
                await self._refresh(walk)

    @property
    def _opened(self) -> tuple[object, int]:
        workspace = self.workspace
        return (None, 0) if workspace is None else (workspace.reading, len(workspace.reading.messages))

    async def _kept_document(self, conversation: str) -> Document:
        """A conversation of the store; empty where it cannot be read."""
        from tui.export.document import Document

        workspace = self.workspace
        kept = workspace.kept if workspace is not None else None
        empty = Document("", (), conversation_id=conversation)
        if kept is None:
            return empty
        try:
            info = await kept.conversation(conversation)
            if info is None:
                return empty
            messages, turns = await kept.branch(conversation), await kept.turns(conversation)
        except ProblemError:
            return empty
        return Document(info.title, tuple(messages), tuple(turns), conversation)

    async def _keep(self, walk: Walk) -> None:
        """Remember what is done now."""
        from tui.homework.progress import save_progress
        from tui.homework.walk import remember

        walk.progress = remember(self._view(walk), walk.progress)
        try:
            await asyncio.to_thread(save_progress, walk.progress)
        except OSError as error:
            walk.problems = (Problem("homework.not_kept", {"reason": error.strerror or type(error).__name__}),)

    # doing

    async def _obey(self, walk: Walk, choice: Choice) -> None:
        from tui.screens.homework_state import skip

        if choice.what == "report":
            await self._write_report(walk)
        elif choice.step is None:
            return
        elif choice.what == "skip":
            skip(walk, choice.step)
        elif choice.what == "again":
            walk.progress = walk.progress.without(choice.step.assignment.id)
        else:
            await self._do(walk, choice.step)

    async def _do(self, walk: Walk, step: WalkStep) -> None:
        match step.step.kind:
            case "quantise":
                await self._quantise(walk, step.assignment)
            case "start":
                await self._start(walk, step.assignment)
            case "prompt":
                await self._ask(walk, step)
            case "picture":
                await self._picture(walk, step.assignment)

    async def _quantise(self, walk: Walk, assignment: Assignment) -> None:
        from dataclasses import replace

        from tui.homework.walk import find_model, name_of
        from tui.screens.homework_state import mark_done

        task = assignment.quantising
        if task is None:
            return
        found = find_model(task.model, walk.models)
        if found is not None:  # the result goes beside the model
            folder = str(Path(found.rstrip("/")).parent / name_of(task.folder))
            task = replace(task, model=found, folder=folder)
        if await self._starter.visit_quantise(task.words):
            mark_done(walk, assignment, "start")
        await self._look_around(walk)

    async def _start(self, walk: Walk, assignment: Assignment) -> None:
        from dataclasses import replace

        from tui.homework.walk import find_model
        from tui.screens.homework_state import mark_done

        serving = assignment.serving
        if serving is None:
            return
        found = find_model(serving.model, walk.models)
        if await self._starter.visit_launch(replace(serving, model=found or serving.model).words):
            mark_done(walk, assignment, "start")

    async def _ask(self, walk: Walk, step: WalkStep) -> None:
        """Send the prompt and wait for the end of its turn, with the chat in view. A task does not go on in the
        conversation of another one."""
        from tui.screens.homework_state import offer_tools

        for _attempt in range(_OPENING_ATTEMPTS):
            if self.workspace is not None:
                break
            await asyncio.sleep(_PAUSE)
        workspace = self.workspace
        session = workspace.session if workspace is not None else None
        if workspace is None or session is None:
            walk.said = _("No server is open yet: start one, or connect to one (Esc, then the menu).")
            return
        if session.busy:
            walk.said = _("A reply is running: stop it first (Esc).")
            return
        others = (one for one in walk.assignments if one.id != step.assignment.id)
        if session.conversation_id in {walk.progress.of(one.id).conversation for one in others}:
            await workspace.new_conversation()
            self.session_changed()
            session = workspace.session or session
        offer_tools(session, step.assignment)
        await self._send_and_wait(walk, session, step.step.text)
        walk.progress = walk.progress.with_task(step.assignment.id, conversation=session.conversation_id)
        while self.app.screen is not self:  # noqa: ASYNC110 (no event tells that the user is back in the chat)
            await asyncio.sleep(_EVERY)

    async def _send_and_wait(self, walk: Walk, session: ChatSession, text: str) -> None:
        """Send a message; return at the end of its turn, with what went wrong said."""
        from tui.i18n.problems import explain
        from tui.model.events import TurnFailed, TurnFinished
        from tui.screens.homework_state import flush

        events = session.subscribe()
        try:
            self.send(text)
            async for event in events:
                if isinstance(event, TurnFailed):
                    walk.said = explain(event.problem).text
                if isinstance(event, (TurnFailed, TurnFinished)):
                    break
        finally:
            events.close()
        await flush(session)

    async def _picture(self, walk: Walk, assignment: Assignment) -> None:
        """What is missing is said first; then the preview, which closes once the picture is written."""
        from tui.homework.checking import label, missing
        from tui.screens.confirm import ConfirmScreen

        ticks = self._view(walk).ticks.get(assignment.id, ())
        lacking = [tick for tick in missing(ticks) if tick.requirement.kind != "picture"]
        if lacking:
            reasons = "; ".join(f"{label(tick.requirement)} ({tick.reason})" for tick in lacking)
            question = _("Missing: {reasons}. Make the picture all the same?").format(reasons=reasons)
            if not await self.app.push_screen_wait(ConfirmScreen(question)):
                return
        for path in await self._made_pictures():
            walk.progress = walk.progress.with_picture(assignment.id, str(path))
            walk.said = _("Written: {path}").format(path=path)

    async def _made_pictures(self) -> Sequence[Path]:
        """Open the preview; the PNG files that were written from it."""
        from tui.screens.shot_preview import ShotScreen

        preview = self.open_shot()
        shown: ShotScreen | None = None
        while not preview.is_finished:
            screen = self.app.screen
            if isinstance(screen, ShotScreen):
                shown = screen
                if screen.written:
                    screen.dismiss(None)
            await asyncio.sleep(_PAUSE)
        return shown.written if shown is not None else ()

    @work(group="report", exclusive=True)
    async def action_report(self, target: str = "") -> None:
        """A report about the open conversation, to ``target``, else beside the pictures."""
        from tui.screens.homework_report import report_on
        from tui.screens.homework_state import flush

        workspace = self.workspace
        session = workspace.session if workspace is not None else None
        if workspace is None or session is None or not workspace.reading.messages:
            self.hint(_("There is nothing to write yet."))
            return
        await flush(session)
        document = await self._kept_document(session.conversation_id)
        if not document.messages:  # nothing is kept: what is on screen
            from tui.screens.export import open_document

            document = await open_document(workspace)
        keeper = workspace.memory.keeper if workspace.memory is not None else None
        runs = await keeper.runs() if keeper is not None else ()
        try:
            written = await asyncio.to_thread(report_on, document, runs, target)
        except OSError as error:
            self.tell(Problem("homework.no_report", {"reason": error.strerror or type(error).__name__}))
            return
        text = _("Renewed: {path}") if written.renewed else _("Written: {path}")
        self.hint(text.format(path=written.path))

    async def _write_report(self, walk: Walk) -> None:
        """Both forms, in the folder of the pictures; what was written into an old one by hand stays."""
        from tui.screens.homework_report import chapters_of, write_reports

        documents = {
            one.id: await self._kept_document(walk.progress.of(one.id).conversation)
            for one in walk.assignments
            if walk.progress.of(one.id).conversation
        }
        if not documents:
            walk.said = _("There is nothing to report yet: ask a task's question first.")
            return
        memory = self.workspace.memory if self.workspace is not None else None
        keeper = memory.keeper if memory is not None else None
        runs = await keeper.runs() if keeper is not None else ()
        ticks = self._view(walk).ticks
        try:
            chapters = await asyncio.to_thread(chapters_of, walk.assignments, walk.progress, documents, ticks, runs)
            written = await asyncio.to_thread(write_reports, chapters)
        except OSError as error:
            walk.problems = (Problem("homework.no_report", {"reason": error.strerror or type(error).__name__}),)
            return
        sentences = [_("Written: {path}").format(path=one.path) for one in written]
        if any(one.changed or one.removed for one in written):
            sentences.append(_("Parts that you changed or removed were left as they are."))
        walk.said = " ".join(sentences)
        for one in walk.assignments:
            if one.id in documents:
                walk.progress = walk.progress.with_task(one.id, report=str(written[0].path))
