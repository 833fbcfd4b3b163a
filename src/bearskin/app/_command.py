"""How a command ends: the common options it takes and the exit code every kind of failure becomes."""

from __future__ import annotations

import errno
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import typer

from bearskin.app._desk import Desk, Notes, one_line
from bearskin.app._options import COMMON, Spec
from bearskin.terms import BadInput, BearskinError

DONE, BUG, BAD_INPUT, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130

REPORT = "Report it in the project's issue tracker."
# refusals of the operating system that a path brings about
_USERS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
logger = logging.getLogger("bearskin.app")


def command(
    group: typer.Typer, name: str, options: Mapping[str, Spec], panel: str | None = None, *, signed: bool = False
) -> Callable[[Callable[..., int | None]], Callable[..., int]]:
    """Register `function(desk, **given)` as a command of `group` that takes `options` and the common ones.

    The function returns an exit code (None is 0); whatever it raises becomes one sentence and a code. `panel` is the
    heading it stands under in the help; its docstring is its help. A `signed` command takes words such as -30.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., int]:
        def ending(*, context: typer.Context, **given: Any) -> int:
            before = context.find_root().obj or {}  # the same options given before the command's name
            chosen: dict[str, Any] = {key: given.pop(key) or before.get(key) for key in COMMON}
            desk = Desk(command=name, **chosen)
            return end(desk, lambda: function(desk, **given))

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [inspect.Parameter("context", keyword, annotation=typer.Context)]
        for key, (kind, default) in {**options, **COMMON}.items():
            absent = inspect.Parameter.empty if default is ... else default
            parameters.append(inspect.Parameter(key, keyword, annotation=kind, default=absent))
        ending.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        ending.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        ending.__name__, ending.__doc__ = function.__name__, function.__doc__
        words = {"ignore_unknown_options": True} if signed else None
        group.command(name, rich_help_panel=panel, context_settings=words)(ending)
        return ending

    return register


def known(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, so that a verb's own defaults stand for the rest."""
    return {name: value for name, value in given.items() if value is not None}


def end(desk: Desk, work: Callable[[], int | None]) -> int:
    """Run `work` with its log and notes attached and turn whatever happens into an exit code.

    2 for what the user gave (BadInput), 1 for what failed under us (store, venue, or our bug: only that is called one),
    130 after Ctrl-C, 0 when the reader of our output went away.
    """
    notes = Notes(desk)
    package = logging.getLogger("bearskin")
    level_before = package.level
    package.setLevel(logging.DEBUG)
    package.addHandler(notes)
    file: logging.Handler | None = None
    try:
        file = _log_file(desk)
        return work() or DONE
    except BadInput as error:
        return fail(desk, error, BAD_INPUT)
    except BrokenPipeError:
        _hush(sys.stdout)
        return DONE
    except BearskinError as error:
        logger.debug("%s", traceback.format_exc())
        return fail(desk, error, BUG)
    except KeyboardInterrupt:
        print("\nstopped: what was complete is kept, nothing is left half-written", file=sys.stderr)  # noqa: T201
        return INTERRUPTED
    except (typer.Exit, typer.Abort, typer.TyperException):
        raise
    except MemoryError:
        return fail(desk, MemoryError("there is not enough memory for this: ask for less at a time"), BUG)
    except OSError as error:
        logger.debug("%s", traceback.format_exc())
        return _of_system(desk, error, file)
    except Exception as error:  # noqa: BLE001 - the one place where everything may be caught
        return _bug(desk, error, file)
    finally:
        package.removeHandler(notes)
        package.setLevel(level_before)
        if file is not None:
            from bearskin.app._logs import stop_logging

            stop_logging(file)


def _of_system(desk: Desk, error: OSError, file: logging.Handler | None) -> int:
    """What the operating system refused: the disk's or the machine's state, or a path that the user named."""
    said = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        place = error.filename or "a file or the output"
        try:
            sys.stdout.flush()
        except OSError:
            _hush(sys.stdout)
        return fail(desk, OSError(f"{place} cannot be written or read ({said}): free some room and try again"), BUG)
    if error.filename is not None and error.errno in _USERS:
        return fail(desk, BadInput(f"{error.filename} cannot be used ({said}): name another"), BAD_INPUT)
    return _bug(desk, error, file)


def fail(desk: Desk, error: Exception, code: int, kind: str = "") -> int:
    """One sentence on stderr; with --json also `{"error": …}` as the object on stdout."""
    _print_error(str(error))
    if desk.json:
        place = {name: getattr(error, name) for name in ("row", "column") if getattr(error, name, None) is not None}
        path = {"path": str(error.path)} if getattr(error, "path", None) is not None else {}  # type: ignore[attr-defined]
        sentence = {"kind": kind or type(error).__name__, "message": str(error), "exit_code": code}
        try:
            desk.emit({"error": sentence | path | place})
        except OSError:  # the reader has left, or the disk is full: the exit code still says it
            _hush(sys.stdout)
    return code


def _print_error(sentence: str) -> None:
    plain = one_line(sentence)
    try:
        print(f"error: {plain}", file=sys.stderr, flush=True)  # noqa: T201 - the edge of the house prints
    except OSError:
        _hush(sys.stderr)


def _bug(desk: Desk, error: Exception, file: logging.Handler | None) -> int:
    from bearskin.app._logs import redacted

    trace = traceback.format_exc()
    where = ""
    if file is not None:  # straight to the file: the screen gets the sentence, and the trace only with --verbose
        file.handle(logging.LogRecord("bearskin.app", logging.ERROR, __file__, 0, "%s", (trace,), None))
        where = f" The trace is in {getattr(file, 'baseFilename', '')}; please send it along."
    if desk.verbose:
        print(redacted(trace), file=sys.stderr)  # noqa: T201
    sentence = f"this is a bug in bearskin, not in what you gave ({type(error).__name__}: {error}).{where} {REPORT}"
    return fail(desk, RuntimeError(redacted(sentence)), BUG, kind="Bug")


def _log_file(desk: Desk) -> logging.Handler:
    from bearskin.app._home import find_home
    from bearskin.app._logs import start_logging
    from bearskin.app._settings import load_settings

    home = find_home(desk.home)
    return start_logging(home.part("logs"), load_settings(home).settings.log_level, desk.command)


def _hush(stream: Any) -> None:
    """Let the interpreter's last flush go nowhere: the reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
