"""The Binance-shaped face of the exchange: REST, sockets and control."""
