"""backtest: to come."""
