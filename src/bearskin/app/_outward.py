"""What a running bot tells the outside and hears from it: alerts, webhooks, and the door for signals."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bearskin.app._alert_settings import KINDS, NOT_TOLD, kinds_of
from bearskin.app._house import House, open_house
from bearskin.app._keyring import WEBHOOK, find_secret
from bearskin.app._settings import Settings
from bearskin.app._webhook_in import Acting, Answer, Clocks, signals_door
from bearskin.engine import Record
from bearskin.terms import BadInput

if TYPE_CHECKING:
    from bearskin.app._alerts import Alerts

CONFIG_LOOK_S = 2.0
logger = logging.getLogger("bearskin.app")
Told = Callable[[int, Record], None]
Subscribe = Callable[[Told], Callable[[], None]]


@contextlib.asynccontextmanager
async def outward(
    house: House, run: str, subscribe: Subscribe, acting: Acting, clocks: Clocks
) -> AsyncIterator[Answer | None]:
    """Alerts and webhooks as the settings say, from now until the context ends; gives what answers `POST /signals`.

    `subscribe` is the runner's. Nothing of it can hold the runner up. Raises BadInput for settings that cannot be,
    before anything is sent.
    """
    settings = house.settings
    async with contextlib.AsyncExitStack() as ending:
        await ending.enter_async_context(_alerts_kept(house, run, subscribe))
        if settings.webhook_url is not None:
            from bearskin.app._webhook_out import Webhook

            secret = find_secret(WEBHOOK, "secret")
            if secret is None:
                raise BadInput(
                    "webhook_url is set, but there is no secret to sign with: `bearskin keys set webhook`, or "
                    "BEARSKIN_WEBHOOK_SECRET"
                )
            chosen = settings.webhook_kinds
            kinds = frozenset(KINDS) - set(NOT_TOLD) if chosen is None else kinds_of(chosen)
            webhook = Webhook(settings.webhook_url.get_secret_value(), secret, run=run, kinds=kinds)
            _joined(ending, webhook, subscribe)
        secret, token = (find_secret(WEBHOOK, part) for part in ("secret", "key"))
        yield signals_door(acting, clocks, secret=secret, token=token)


@contextlib.asynccontextmanager
async def _alerts_kept(house: House, run: str, subscribe: Subscribe) -> AsyncIterator[None]:
    """Alerts as the settings say, made anew when config.toml changes: a new address or quiet hours hold at once."""

    def opened(settings: Settings) -> Alerts | None:
        if settings.alert_urls is None:
            return None
        from bearskin.app._alerts import open_alerts

        urls = settings.alert_urls.get_secret_value().split()
        return open_alerts(urls, off=settings.alert_off, quiet=settings.quiet_hours, where=run)

    async with contextlib.AsyncExitStack() as first:
        alerts, now = opened(house.settings), [first]
        if alerts is not None:
            _joined(first, alerts, subscribe)
        following = asyncio.ensure_future(_followed(house, now, opened, subscribe))
        try:
            yield
        finally:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following
            await now[0].aclose()


async def _followed(
    house: House,
    now: list[contextlib.AsyncExitStack],
    opened: Callable[[Settings], Alerts | None],
    subscribe: Subscribe,
) -> None:
    stamp, told = _stamp(house), _words(house.settings)
    while True:
        await asyncio.sleep(CONFIG_LOOK_S)
        if _stamp(house) == stamp:
            continue
        stamp = _stamp(house)
        try:
            settings = (await asyncio.to_thread(open_house, house.home.root)).settings
            if _words(settings) == told:
                continue
            alerts = await asyncio.to_thread(opened, settings)
        except BadInput as error:
            logger.warning("alerts go on as they were: %s", error)
            continue
        told = _words(settings)
        await now[0].aclose()
        now[0] = contextlib.AsyncExitStack()
        if alerts is not None:
            _joined(now[0], alerts, subscribe)
        logger.info("alerts: settings taken up anew")


def _words(settings: Settings) -> tuple[object, ...]:
    return settings.alert_urls, settings.alert_off, settings.quiet_hours


def _stamp(house: House) -> int:
    try:
        return house.home.config_file.stat().st_mtime_ns
    except OSError:
        return 0


@contextlib.asynccontextmanager
async def counted_down(venue: Any, symbols: Sequence[str], alive: Callable[[], bool]) -> AsyncIterator[None]:
    """The venue's countdown set anew until the context ends, where its documents say that stops survive it."""
    from bearskin.live import countdown_of

    countdown = countdown_of(venue.dialect.able, venue.exchange, symbols, alive=alive)
    task = None if countdown is None else asyncio.ensure_future(countdown.run())
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class _Teller(Protocol):
    def start(self) -> None: ...

    def told(self, sequence: int, record: Record) -> None: ...

    def close(self) -> None: ...


def _joined(ending: contextlib.AsyncExitStack, teller: _Teller, subscribe: Subscribe) -> None:
    """Have it told until the end; what waits then is sent without holding up the loop."""
    teller.start()
    ending.push_async_callback(asyncio.to_thread, teller.close)
    ending.callback(subscribe(teller.told))
