"""The dashboard: pages in the browser and an API of our own, both by the same functions.

It is a process of its own. It hears the bot's audit stream and the venue's public market, and acts only through the
bot's local door, so that every order passes the same risk and the same engine.
"""

from __future__ import annotations

from bearskin.app.web._serve import Dashboard, WebAddress, read_web_address, serve_dashboard

__all__ = ["Dashboard", "WebAddress", "read_web_address", "serve_dashboard"]
