"""The app's crash handler. ``_fatal_error`` is a private name of Textual 8.2.8 (``App._handle_exception`` calls it);
a test makes an app crash in a pseudo-terminal and looks for what is printed."""

from __future__ import annotations

from textual.app import App

from tui.model.problem import Problem


class TellsCrashes(App[None]):
    """Mixed into the app: an unexpected error ends it with one sentence and a report, never with local variables."""

    secrets: tuple[str, ...] = ()
    crash: Problem | None = None

    def _handle_exception(self, error: Exception) -> None:
        if self.crash is None:
            self.crash = _report(error, self.secrets)
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        # Close without Textual's traceback; what happened is told when the terminal is back (run_app).
        self.panic()


def _report(error: Exception, secrets: tuple[str, ...]) -> Problem:
    from tui.screens.crash import current_error, describe, write_report

    shown = current_error() or error
    try:
        path = write_report(shown, secrets)
    except OSError as problem:
        from textual.worker import WorkerFailed

        name = type(error.error if isinstance(error, WorkerFailed) else error).__name__
        return Problem(
            "app.crashed_unwritten", {"error": name, "reason": problem.strerror or ""}, describe(shown, secrets)
        )
    return Problem("app.crashed", {"path": str(path)})
