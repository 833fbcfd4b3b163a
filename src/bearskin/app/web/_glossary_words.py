"""The words of the field, each explained in a few sentences; figures are of BTCUSDT's brackets of October 2024."""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A word: `says` explains it, `also` are other ways to write it, `group` is where the glossary keeps it.

    `wrong` is what is often said of it and is not so.
    """

    name: str
    group: str
    says: str
    also: tuple[str, ...] = ()
    wrong: str = ""


GROUPS: Final = ("Sides", "Orders", "Prices", "Margin", "Liquidation", "Costs", "Size and result", "Market", "Hedging",
                 "This desk")  # fmt: skip

ENTRIES: Final = (
    # --- sides -------------------------------------------------------------------------------------------------------
    Entry(
        "going long",
        "Sides",
        "Buying, to gain when the price rises. A coin bought without leverage can lose all of its price and no more.",
        ("long", "buy"),
    ),
    Entry(
        "short selling",
        "Sides",
        "Selling what one does not hold, to gain when the price falls: short at 30,000 and bought back at 20,000 "
        "leaves 10,000 per coin before costs. The gain ends at a price of zero, the loss has no such end.",
        ("short", "going short", "sell short", "shorting"),
    ),
    Entry(
        "perpetual",
        "Sides",
        "A futures contract without an expiry. Nothing is borrowed: two parties hold the two sides, and funding keeps "
        "its price near the index.",
        ("perpetual contract", "perp", "perpetual futures"),
        "A futures short does not borrow the coin. Only spot margin does, and pays interest for it.",
    ),
    Entry(
        "inverse contract",
        "Sides",
        "A contract whose margin and profit are in the coin. A short of 1x on it, with the coin as collateral, keeps "
        "its value in dollars at any price.",
        ("coin-margined", "inverse", "inverse futures"),
        "Inverse does not mean short: one can be long or short on it.",
    ),
    Entry(
        "spot margin",
        "Sides",
        "The other way to short: borrow the coin, sell it, buy it back, repay it with interest by the hour. What the "
        "collateral does not cover stays a debt.",
        ("margin short", "margin loan"),
    ),
    Entry(
        "−1x token",
        "Sides",
        "A token that is set back every day to lose 1 % when the market gains 1 %, as an inverse ETF does. Over many "
        "days it is not minus the market: in a market that swings it loses more than a short held still.",
        ("inverse token", "inverse ETF", "-1x token"),
    ),
    # --- orders ------------------------------------------------------------------------------------------------------
    Entry(
        "market order",
        "Orders",
        "An order that fills at once, at whatever price the book has. The difference to the price one saw is slippage.",
        ("market",),
    ),
    Entry(
        "limit order",
        "Orders",
        "An order that fills at its price or better, or not at all. A sell limit fills at its price or higher.",
        ("limit",),
        "A sell limit below the market does not wait for a fall: it fills at once. Waiting for a fall takes a stop "
        "order.",
    ),
    Entry(
        "stop order",
        "Orders",
        "An order that sleeps until a trigger price is touched, then goes to the market. For a short the protective "
        "stop is a buy above the entry.",
        ("stop", "stop-loss", "stop loss", "SL", "stop price"),
    ),
    Entry(
        "take-profit",
        "Orders",
        "An order that closes with a gain at a price named beforehand; for a short it lies below the entry.",
        ("TP", "target", "targets", "take profit", "target price"),
    ),
    Entry(
        "TP/SL",
        "Orders",
        "Take-profit and stop-loss together: the two ways out, named before the way in.",
        ("SL/TP", "bracket order"),
    ),
    Entry(
        "OCO",
        "Orders",
        "One cancels the other: two orders of which the fill of one takes the other away, such as target and stop.",
        ("one cancels the other",),
    ),
    Entry(
        "trailing stop",
        "Orders",
        "A stop that follows the price when it goes your way and stays when it does not.",
        ("trail", "trailing"),
    ),
    Entry(
        "reduce-only",
        "Orders",
        "A mark on an order: it may make a position smaller, never larger and never turn it around.",
        ("reduce only",),
    ),
    Entry(
        "slippage",
        "Orders",
        "What a fill costs beyond the price that was expected. Market orders and triggered stops pay it; it grows "
        "with size and with haste.",
    ),
    Entry("spread", "Orders", "The way from the best bid to the best ask: what it costs to buy and sell at once."),
    Entry(
        "time in force",
        "Orders",
        "How long an order waits: until cancelled (GTC), fill what there is and cancel the rest (IOC), all or nothing "
        "(FOK), only if it rests in the book (post-only).",
        ("GTC", "IOC", "FOK", "post-only"),
    ),
    # --- prices ------------------------------------------------------------------------------------------------------
    Entry(
        "mark price",
        "Prices",
        "The price by which profit is shown and liquidation is judged: an index of several spot markets and the basis "
        "of the contract. A wick of the last price alone liquidates nobody.",
        ("mark", "marked price"),
        "It is not the last traded price, and no venue sets it by hand. It can be pushed where its index is thin.",
    ),
    Entry(
        "index price",
        "Prices",
        "The price of the coin on several spot markets, weighed together. The mark price is built on it.",
        ("index",),
    ),
    Entry("last price", "Prices", "The price of the newest trade in this contract, however small it was.", ("last",)),
    Entry(
        "entry price",
        "Prices",
        "What the position was opened at, the mean of its fills.",
        ("entry", "average entry"),
    ),
    Entry(
        "break-even price",
        "Prices",
        "Where closing leaves nothing and takes nothing, with the fees of both ends and the funding paid so far.",
        ("break-even", "break even", "breakeven"),
    ),
    Entry(
        "basis",
        "Prices",
        "The contract's price less the index. Above it is contango (a premium), below it backwardation (a discount); "
        "a hedge is wrong by as much as the basis moves.",
        ("premium", "contango", "backwardation"),
    ),
    # --- margin ------------------------------------------------------------------------------------------------------
    Entry(
        "leverage",
        "Margin",
        "The size of the position over the money put up for it: 1,000 at 10x needs 100. It does not change what a "
        "price move is worth, it moves the liquidation nearer.",
    ),
    Entry(
        "margin",
        "Margin",
        "Money put up for a position: what can be lost in it before the venue ends it.",
        ("collateral",),
    ),
    Entry(
        "initial margin",
        "Margin",
        "What must be put up to open: notional over leverage. 300,000 at 10x needs 30,000.",
    ),
    Entry(
        "maintenance margin",
        "Margin",
        "What must be left while the position is open, a share of the notional that grows in brackets with size. When "
        "equity is down to it, the position is liquidated.",
        ("maintenance", "maintenance rate"),
    ),
    Entry(
        "margin ratio",
        "Margin",
        "Maintenance margin over what is left of the margin. At 100 % the position is liquidated.",
    ),
    Entry(
        "isolated margin",
        "Margin",
        "Each position stands on money of its own and loses that at most, fees included. The rest of the wallet is "
        "out of its reach: for first shorts.",
        ("isolated",),
    ),
    Entry(
        "cross margin",
        "Margin",
        "The whole futures wallet stands behind every position. It lives longer, and takes everything with it when it "
        "goes: for hedges.",
        ("cross",),
        "Cross means the futures wallet. Coins on spot are no collateral for it.",
    ),
    Entry(
        "margin mode",
        "Margin",
        "Isolated or cross: whether a position can lose its own margin or the whole futures wallet.",
    ),
    Entry(
        "notional",
        "Margin",
        "The size of a position in money: quantity times price, whatever the leverage.",
        ("notional value", "position value"),
    ),
    Entry(
        "contract quantity",
        "Margin",
        "How much is traded. It may be in coins (Binance's USDT contracts, in steps) or in contracts of a fixed "
        "worth: 5 BTC at 60,000 are 3,000 inverse contracts of 100 USD. A short is shown with a minus.",
        ("quantity", "qty", "contract size", "size", "contracts"),
    ),
    Entry(
        "bracket",
        "Margin",
        "A range of position size with its own maintenance rate and largest leverage. The larger the position, the "
        "dearer it is to keep.",
        ("brackets", "tier", "leverage bracket"),
    ),
    Entry(
        "available balance",
        "Margin",
        "What of the wallet is not bound as margin and can open something new.",
        ("available", "free"),
    ),
    Entry(
        "wallet balance",
        "Margin",
        "The money in the futures wallet, without the profit or loss that is still open.",
        ("wallet",),
    ),
    Entry("equity", "Margin", "The wallet with the open profit or loss in it: what would be there if all were closed."),
    # --- liquidation -------------------------------------------------------------------------------------------------
    Entry(
        "liquidation price",
        "Liquidation",
        "The mark price at which the venue closes the position because what is left is down to the maintenance "
        "margin. A small short at 10x has it 9.56 % above the entry.",
        ("liquidation", "est. liq.", "liq. price", "liq", "liq."),
        "It is not at 1 over leverage: 10 % for 10x is where the margin is used up, and that comes later.",
    ),
    Entry(
        "bankruptcy price",
        "Liquidation",
        "The price at which all of the margin is lost: 10 % away at 10x. Liquidation comes before it; what lies "
        "between goes to the insurance fund.",
        ("bankruptcy",),
    ),
    Entry(
        "liquidation distance",
        "Liquidation",
        "How far the mark price may move against the position before it is liquidated, as a share of the mark.",
        ("to liquidation", "distance to liquidation"),
    ),
    Entry(
        "insurance fund",
        "Liquidation",
        "The venue's money that pays when a liquidation ends worse than bankruptcy; it is fed by those that end "
        "better.",
    ),
    Entry(
        "ADL",
        "Liquidation",
        "Auto-deleveraging: when the insurance fund cannot pay, positions with the most profit and leverage on the "
        "other side are closed at the bankruptcy price. What is left of yours must be protected again.",
        ("auto-deleveraging", "auto deleveraging"),
    ),
    Entry(
        "short squeeze",
        "Liquidation",
        "A rise that forces shorts to buy back, which makes it rise further: 20 to 30 % even in falling markets.",
        ("squeeze",),
    ),
    Entry(
        "liquidation cascade",
        "Liquidation",
        "Forced orders push the price to the next positions' liquidation, and so on.",
        ("cascade",),
    ),
    Entry(
        "liquidation heatmap",
        "Liquidation",
        "An estimate of where leveraged positions would be liquidated. Zones above the price are shorts (forced "
        "buys), zones below are longs (forced sales).",
        ("heatmap", "gravity zone", "gravity zones"),
        "Zones above the price are not longs: a long is liquidated below its entry.",
    ),
    # --- costs -------------------------------------------------------------------------------------------------------
    Entry(
        "funding rate",
        "Costs",
        "What the two sides of a perpetual pay each other at each settlement, as a share of the notional. Positive: "
        "longs pay shorts. Negative: shorts pay longs. 0.01 % on 300,000 is 30 each time.",
        ("funding", "rate"),
        "It is often told the other way round. A short is paid by positive funding and pays negative funding.",
    ),
    Entry(
        "funding interval",
        "Costs",
        "How often funding is settled: every 8, 4 or 1 hours, by contract, and venues change it.",
        ("next funding", "funding in"),
    ),
    Entry(
        "maker and taker",
        "Costs",
        "A maker's order rests in the book and is met; a taker's meets one that rests, and pays the higher fee. "
        "Market orders and triggered stops are takers.",
        ("maker", "taker", "maker fee", "taker fee"),
    ),
    Entry("fee", "Costs", "What the venue takes of every fill, a share of the notional, at both ends.", ("fees",)),
    Entry(
        "borrow interest",
        "Costs",
        "What a margin loan costs, by clock hours, the first one at once. The rate floats with the pool.",
        ("interest", "borrow rate"),
    ),
    Entry(
        "carry",
        "Costs",
        "What holding a position costs or earns by the mere passing of time: funding, interest, basis.",
        ("cost of carry",),
    ),
    # --- size and result ---------------------------------------------------------------------------------------------
    Entry(
        "R",
        "Size and result",
        "What a trade loses when its stop is hit, costs included, is 1 R. Results in R compare trades of any size: +2 "
        "R made twice what was at risk.",
        ("r multiple", "r-multiple"),
    ),
    Entry(
        "risk per trade",
        "Size and result",
        "The share of equity that is lost when the stop is hit. The size follows from it and from the distance of the "
        "stop; leverage does not.",
        ("risk", "at risk", "risk share"),
    ),
    Entry(
        "loss at stop",
        "Size and result",
        "What is lost when the stop is hit, with fees at both ends and the slippage reckoned with. A gap can make it "
        "more.",
        ("loss at the stop", "worst loss"),
    ),
    Entry(
        "reward to risk",
        "Size and result",
        "The way to the target over the way to the stop. Below 1, more is risked than can be won.",
        ("reward/risk", "reward-to-risk", "rr", "reward : risk"),
    ),
    Entry(
        "unrealised PnL",
        "Size and result",
        "Profit or loss of what is still open, at the mark price.",
        ("PnL", "unrealised", "open PnL", "open pnl", "unrealized PnL", "uPnL"),
    ),
    Entry("realised PnL", "Size and result", "Profit or loss of what has been closed.", ("realised", "realized PnL")),
    Entry(
        "ROE",
        "Size and result",
        "Return on equity as venues show it: open profit over the initial margin at the present mark. 1 % of price is "
        "10 % of ROE at 10x, both ways.",
        ("ROI", "return on equity"),
    ),
    Entry(
        "drawdown",
        "Size and result",
        "The fall from the highest equity so far to the present one.",
        ("max drawdown", "maximum drawdown"),
    ),
    Entry(
        "preflight",
        "Size and result",
        "The checks before an order is sent: is the stop on the right side, does liquidation lie beyond it, does the "
        "size fit equity, margin and bracket, what can a gap cost.",
        ("verdict",),
    ),
    Entry(
        "gap",
        "Size and result",
        "A jump of the price over a stop: it fills at the first price behind it, which is worse.",
        ("gap table", "gap risk"),
    ),
    # --- market ------------------------------------------------------------------------------------------------------
    Entry(
        "open interest",
        "Market",
        "How many contracts are open. Each has one long and one short, so it tells how much is leveraged, not on "
        "which side.",
        ("OI",),
    ),
    Entry(
        "long-short ratio",
        "Market",
        "Accounts, or top traders, that are long over those that are short. It counts heads and not money: the money "
        "is always even.",
        ("long/short ratio", "L/S"),
    ),
    Entry(
        "order book",
        "Market",
        "All limit orders that wait: bids below, asks above. What rests there can be taken away at any time.",
        ("depth", "book"),
    ),
    Entry(
        "ATR",
        "Market",
        "Average true range: how far the price usually goes in one bar. Stops are measured by it.",
        ("average true range",),
    ),
    Entry(
        "RSI",
        "Market",
        "Relative strength index, 0 to 100: how one-sided the last bars were. Above 70 is called overbought; that "
        "alone is no reason to short.",
    ),
    Entry(
        "set-up",
        "Market",
        "A described situation that may precede a fall (or a rise), with an entry, a stop and a target. None of them "
        "has a proven edge until the evidence says so.",
        ("setup", "signal", "set-ups", "setups"),
    ),
    Entry(
        "regime",
        "Market",
        "What the daily averages and their strength say of the market: uptrend, downtrend or range.",
    ),
    Entry(
        "resistance and support",
        "Market",
        "Prices where a rise, or a fall, has ended before. A stop lies beyond resistance, a target before support.",
        ("resistance", "support"),
    ),
    # --- hedging -----------------------------------------------------------------------------------------------------
    Entry(
        "hedge",
        "Hedging",
        "A short that is there to lose when coins one holds gain, and the other way round. Five coins held and five "
        "sold short: the sum does not move with the price.",
        ("hedging",),
    ),
    Entry(
        "hedge ratio",
        "Hedging",
        "Coins sold short over coins held: 100 % cancels price moves, 60 % lets 40 % of them through, 140 % is a net "
        "short.",
    ),
    Entry(
        "survival margin",
        "Hedging",
        "The money a hedge needs in the futures wallet to live through a named rise. For 5 BTC at 60,000 and +10 % "
        "that is more than 31,600.",
    ),
    Entry(
        "purpose",
        "Hedging",
        "What a position is for. Speculation has a stop for its whole size; a hedge has none, but margin proven for a "
        "shock.",
        ("speculation",),
    ),
    # --- this desk ---------------------------------------------------------------------------------------------------
    Entry(
        "PROTECTED",
        "This desk",
        "The venue has confirmed a stop for the whole size of the position. It holds even when this machine is off.",
        ("protected", "protection"),
    ),
    Entry(
        "UNPROTECTED",
        "This desk",
        "A part of the position has no confirmed stop. The bot places one, and closes at market what cannot get one.",
        ("unprotected",),
    ),
    Entry(
        "preset",
        "This desk",
        "A named set of limits: beginner (3x, 0.5 % at risk), standard (5x, 1 %), pro (10x, 2 %), hedge (5x, cross).",
        ("presets",),
    ),
    Entry(
        "kill switch",
        "This desk",
        "Ends new entries when the losses of a day, a week or from the top reach a limit. Closing is always possible.",
        ("kill-switch",),
    ),
    Entry(
        "panic",
        "This desk",
        "One act that closes everything of ours at market and stands still until it is resumed.",
    ),
    Entry(
        "thesis",
        "This desk",
        "Why the trade was made, written before it: what would have to happen for it to be wrong.",
    ),
    Entry(
        "demo exchange",
        "This desk",
        "An exchange on this machine with play money. It clears, funds and liquidates by the rules of the real one.",
        ("demo", "play money"),
    ),
)
