"""The real workspace: endpoint, session, store, demo server, GPU source.

Everything heavy is imported in here, in a thread, after the first frame.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tui.app_options import AppOptions
from tui.config.environment import environment_problem
from tui.model.events import BranchChanged
from tui.model.problem import Problem, ProblemError
from tui.model.request import Sampling
from tui.model.tool import ToolSpec
from tui.screens.opening import Opening, machine_again, resolve, with_conversation
from tui.screens.places import FarSide, Place, lonely, open_far, open_near
from tui.screens.seam import Approver, Teller, ToolsRoom, Workspace

if TYPE_CHECKING:
    from tui.chat.wire import WireView
    from tui.demo.process import DemoServer
    from tui.hosts.monitor import MemoryMonitor
    from tui.hosts.remote import RemoteHost
    from tui.recording import Recorder
    from tui.server.endpoint import Endpoint
    from tui.server.transport import Timeouts
    from tui.session import Session
    from tui.store.store import Store

# One thread loads all of it before anything else may ask for a part: openai's modules import each other in circles, and
# two threads in the same circle see half a module. It takes most of a second, in which the composer works already.
_MODULES = (
    "httpx2",
    "prometheus_client.parser",
    "tui.hosts.watching",
    "tui.server.endpoint",
    "tui.session",
    "tui.store.store",
    "tui.tools.approval",
    "tui.tools.setup",
)
_DEMO_MODULES = ("tui.demo.process", "tui.demo.source")


def _load(names: tuple[str, ...]) -> None:
    """Import ``names``. Raises ProblemError where this environment's packages are not the ones lmdeck needs."""
    if (problem := environment_problem()) is not None:
        raise ProblemError(problem)
    from tui.server.transport import import_openai

    import_openai()
    for name in names:
        import_module(name)


async def open_workspace(
    options: AppOptions, approve: Approver, tell: Teller, *, far: Callable[[], FarSide] | None = None
) -> Workspace:
    """Build what ``options`` name; ``far`` gives the app's side of machines over ssh. Raises ProblemError."""
    if options.replay is not None:
        from tui.screens.replaying import open_replay

        return await open_replay(options)
    opening = await asyncio.to_thread(resolve, options)
    await asyncio.to_thread(_load, _MODULES)
    return await LiveWorkspace.open(opening, approve, tell, far)


class LiveWorkspace:
    """A server, a store and one conversation. Owns them all."""

    def __init__(
        self,
        opening: Opening,
        approve: Approver,
        place: Place,
        store: Store,
        tools: ToolsRoom,
    ) -> None:
        self._round_limit = opening.settings.round_limit
        self._has_key = bool(opening.options.api_key)
        self._approve = approve
        self._endpoint = place.endpoint
        self._host = place.host
        self._store = store
        self.tools_room = tools
        self._exits = AsyncExitStack()
        self._recorder: Recorder | None = None
        self.notices: tuple[Problem, ...] = store.notices
        self.memory: MemoryMonitor = place.memory
        self._session = self._new_session(opening.options.system, opening.sampling, opening.tools)

    @classmethod
    async def open(
        cls, opening: Opening, approve: Approver, tell: Teller, far: Callable[[], FarSide] | None = None
    ) -> LiveWorkspace:
        """Open the store, start the demo server if one is wanted, begin to look at the server."""
        async with AsyncExitStack() as exits:
            store, problem = await _open_store(opening)
            exits.push_async_callback(store.close)
            options, missing = await with_conversation(opening.options, store)
            machine = opening.machine or await asyncio.to_thread(machine_again, options)
            if machine is not None:
                side = far() if far is not None else lonely(exits)
                place = await open_far(machine, options, _timeouts(opening), side, tell, exits)
            else:
                place = open_near(options, _timeouts(opening), await _start_demo(options, exits))
                exits.push_async_callback(place.endpoint.aclose)
            tools = await _open_tools(opening, tell)
            exits.push_async_callback(tools.box.aclose)
            self = cls(opening, approve, place, store, tools)
            self.notices += tuple(one for one in (problem, missing) if one is not None)
            exits.push_async_callback(self.memory.aclose)
            if options.conversation:
                await self._load(options.conversation)
            if options.record is not None:
                await self._record(Path(options.record), tell, exits)
            self._exits = exits.pop_all()
        await place.endpoint.connect()
        await self.memory.start()
        return self

    async def _load(self, conversation_id: str) -> None:
        """Go on with a conversation; one that cannot be read is said, and a new one takes its place."""
        session = self._new_session(self._session.system, self._session.sampling, None, conversation_id)
        try:
            await session.load()
        except ProblemError as error:
            self.notices = (*self.notices, error.problem)
            await session.aclose()
        else:
            self._session = session

    def _new_session(
        self, system: str, sampling: Sampling, tools: frozenset[str] | None, conversation_id: str | None = None
    ) -> Session:
        from tui.session import Session
        from tui.tools.approval import ConversationApproval

        approve = ConversationApproval(self.tools_room.policy, self._approve)
        session = Session(
            self._endpoint, self.tools_room.box, store=self._store, approve=approve, system=system, sampling=sampling,
            conversation_id=conversation_id,
        )  # fmt: skip
        session.tools_enabled = tools
        session.round_limit = self._round_limit
        session.breakdown = self.memory.snapshot
        return session

    async def _record(self, path: Path, tell: Teller, exits: AsyncExitStack) -> None:
        """Record this session, the server's news and the GPUs into a file; one that cannot be written is said, and the
        chat goes on."""
        from tui.recording import Recorder

        recorder = Recorder(path, on_problem=tell)
        try:
            await recorder.open()
        except ProblemError as error:
            self.notices = (*self.notices, error.problem)
            return
        exits.push_async_callback(recorder.aclose)
        recorder.follow(self._session)
        recorder.follow_news(self._endpoint.subscribe())
        self.memory.on_reading = recorder.write
        recorder.follow_news(self.memory.subscribe())
        self._recorder = recorder

    @property
    def session(self) -> Session:
        return self._session

    @property
    def reading(self) -> Session:
        return self._session

    @property
    def link(self) -> Endpoint:
        return self._endpoint

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        return self.tools_room.box.specs()

    @property
    def host(self) -> RemoteHost | None:
        return self._host

    @property
    def address(self) -> str:
        return self._endpoint.address.shown.removeprefix("http://")

    @property
    def kept(self) -> Store:
        return self._store

    async def new_conversation(self) -> None:
        old = self._session
        await self._replace(self._new_session(old.system, old.sampling, old.tools_enabled))

    async def open_conversation(self, conversation_id: str, tip: str | None = None) -> None:
        """Go on with a conversation that is kept, on the branch that ends at ``tip``. Raises ProblemError."""
        await self._session.flush()
        session = self._new_session("", Sampling(), None, conversation_id)
        try:
            await session.load(tip)
        except ProblemError:
            await session.aclose()
            raise
        await self._replace(session)

    async def _replace(self, session: Session) -> None:
        old, self._session = self._session, session
        if self._recorder is not None:
            self._recorder.write(BranchChanged(session.conversation_id))
            self._recorder.follow(session)
        await old.aclose()

    async def wire(self, message_id: str) -> WireView | None:
        from tui.chat.wire import wire_view

        await self._session.flush()
        messages = self._session.messages
        turn = next((message.turn for message in messages if message.id == message_id), None)
        record = await self._store.turn(turn) if turn else None
        if record is None:
            return None
        return await asyncio.to_thread(wire_view, record, messages, message_id, with_key=self._has_key)

    def begin(self) -> None:
        """Nothing to start: the server is looked at already."""

    async def aclose(self) -> None:
        try:
            await self._session.aclose()
        finally:
            await self._exits.aclose()


async def _open_tools(opening: Opening, tell: Teller) -> ToolsRoom:
    """The user's tools; MCP servers begin to start, files are read behind the screen."""
    from tui.config.settings import config_path
    from tui.config.settings_file import read_config
    from tui.tools.approval import Policy
    from tui.tools.python_tools import tools_folder
    from tui.tools.setup import open_tools

    path = config_path()
    box = open_tools(opening.settings, await asyncio.to_thread(read_config, path))
    if box.servers or box.python.offers() or tools_folder().exists():
        await asyncio.to_thread(import_module, "jsonschema")  # checks what their tools say of themselves
    return ToolsRoom(box, Policy(opening.allow, opening.never, path, opening.profile, tell))


def _timeouts(opening: Opening) -> Timeouts:
    """How long a reply may be silent; 0 in the settings means for ever."""
    from tui.server.transport import Timeouts

    return Timeouts(between=opening.settings.stall_limit or 1e9)


async def _start_demo(options: AppOptions, exits: AsyncExitStack) -> DemoServer | None:
    if options.demo is None:
        return None
    await asyncio.to_thread(_load, _DEMO_MODULES)
    from tui.demo.process import DemoServer

    return await exits.enter_async_context(DemoServer(**options.demo))


async def _open_store(opening: Opening) -> tuple[Store, Problem | None]:
    """The user's store, or one in memory with the reason why."""
    from tui.store.store import Store

    if not opening.settings.save_conversations:
        return await Store.memory(), None
    try:
        return await Store.open(opening.options.store), None
    except ProblemError as error:
        return await Store.memory(), error.problem
