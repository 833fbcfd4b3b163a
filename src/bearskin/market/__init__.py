"""Where prices come from."""

from bearskin.market._panel import Funding, Known, Panel

__all__ = ["Funding", "Known", "Panel"]
