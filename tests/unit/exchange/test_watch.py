"""The watch never misses anybody: whoever a look at everyone would find, it finds too."""

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.exchange.venue import BRACKETS, D, Venue

from bearskin.exchange._pools import is_due, margins_of, standing
from bearskin.exchange._state import Position, Setting
from bearskin.exchange._watch import Exposure, Watch, lines_of
from bearskin.exchange._watching import WARNING, rearm
from bearskin.exchange._words import Deposit, MarginCalled, OpenAccount
from bearskin.margin import Tiers, deciding, maintenance
from bearskin.terms import QUOTE

SYMBOLS = ("AUSDT", "BUSDT", "CUSDT")
TIERS = Tiers(*(tuple(D(row[i]) for row in BRACKETS) for i in (0, 2, 4, 1)))
STEEP = Tiers(floor=(D(0), D(1000)), mmr=(D("0.5"), D("0.95")), cum=(D(0), D(450)), cap=(D(1000), D("1e9")))

coins = st.integers(-30000, 30000).filter(bool).map(lambda steps: D(steps) / 1000)
moves = st.lists(st.tuples(st.integers(0, 2), st.integers(-60, 60)), min_size=5, max_size=40)


def slack_of(wallet, held, marks, tiers, share):
    """share * equity - maintenance, worked out from nothing."""
    equity, needed = wallet, D(0)
    for i, qty in held:
        equity += qty * (marks[i] - D(20000))
        if tiers is not None:
            needed += maintenance(tiers, abs(qty) * marks[i])
    return share * equity - needed


@settings(max_examples=150, deadline=None)
@given(
    held=st.lists(st.tuples(st.integers(0, 2), coins), min_size=1, max_size=5),
    spare=st.integers(1, 200000),
    tiers=st.sampled_from([TIERS, STEEP, None]),
    share=st.sampled_from([D(1), WARNING]),
    moves=moves,
)
def test_nothing_crosses_its_line_before_a_noted_mark_is_reached(held, spare, tiers, share, moves):
    """Any portfolio, one-way or hedged, any walk: while no mark has come to a line, the slack is above zero."""
    with deciding():
        marks = [D(20000)] * 3
        # a wallet that leaves exactly `spare`
        wallet = (D(spare) - slack_of(D(0), held, marks, tiers, share)) * (D(1) if share == 1 else D("1.25"))
        assert slack_of(wallet, held, marks, tiers, share) == spare
        exposures = [Exposure(SYMBOLS[i], qty, marks[i], tiers) for i, qty in held]
        lines = {line.symbol: line for line in lines_of(D(spare), share, exposures)}
        for i, per_mille in moves:
            marks[i] = max((marks[i] * (1000 + per_mille) / 1000).quantize(D("1e-8"), context=QUOTE), D("1e-8"))
            reached = False
            for j, symbol in enumerate(SYMBOLS):
                line = lines.get(symbol)
                if line is not None:
                    reached |= line.low is not None and marks[j] <= line.low
                    reached |= line.high is not None and marks[j] >= line.high
            if reached:
                return
            assert slack_of(wallet, held, marks, tiers, share) > 0


def test_a_lone_position_is_noted_close_to_its_liquidation_price():
    """Isolated short with 6,000: due at 65,346.5346...; the line is at most there and hardly before."""
    with deciding():
        slack = D(6000) - D(600)
        (line,) = lines_of(slack, D(1), [Exposure("A", D(-1), D(60000), TIERS)])
        assert line.low is None
        assert D("65346.53") < line.high <= D(66000) / D(1) * 1 - D("653.46")
        (line,) = lines_of(slack, D(1), [Exposure("A", D(1), D(60000), TIERS)])
        assert line.high is None
        assert line.low >= D("54545.4545")
        assert line.low < D("54545.4546")


# --- the heaps -------------------------------------------------------------------------------------------------------


def test_what_was_noted_before_is_dead():
    watch = Watch()
    with deciding():
        for mark in (D(100), D(110), D(120)):
            watch.arm((2, "A/BOTH"), lines_of(D(10), D(1), [Exposure("A", D(-1), mark, None)]))
        assert watch.crossed("A", D("129")) == []
        assert watch.crossed("A", D("130")) == [(2, "A/BOTH")]
        watch.drop((2, "A/BOTH"))
        assert watch.crossed("A", D("1000")) == []
        assert watch.pools == {}


def test_dead_entries_do_not_pile_up():
    watch = Watch()
    with deciding():
        for i in range(20000):
            watch.arm((2, "A/BOTH"), lines_of(D(10), D(1), [Exposure("A", D(-1), D(100 + i), None)]))
        assert len(watch._highs["A"]) < 2000
        assert watch.crossed("A", D(20109)) == [(2, "A/BOTH")]


# --- the whole -------------------------------------------------------------------------------------------------------


def crowd(venue, people):
    """Positions put straight into the state, each against the first account, which is too rich to be found."""
    floor = venue.exchange.floor
    ledger = floor.state.ledgers["USDT"]
    venue.join("rich", "1e12")
    rich = venue.account("rich")
    for margins in people:
        number = floor.state.next_account
        venue.do(OpenAccount, name="one")
        account = floor.state.accounts[number]
        for symbol_number, side, qty, isolated, margin_rate in margins:
            symbol = SYMBOLS[symbol_number]
            key = f"{symbol}/{side}"
            if key in account.positions:
                continue
            if symbol not in account.settings:
                account.settings[symbol] = Setting(isolated=isolated)
            size = abs(qty) if side == "LONG" else -abs(qty)
            name = f"{account.wallet_name}/{key}"
            account.positions[key] = Position(symbol=symbol, side=side, margin_name=name, qty=size, cost=size * 20000)
            other = rich.positions.setdefault(
                f"{symbol}/BOTH", Position(symbol=symbol, side="BOTH", margin_name=f"{rich.wallet_name}/{symbol}/BOTH")
            )
            other.qty -= size
            other.cost -= size * 20000
            own = account.settings[symbol].isolated
            # margin of 3 to 60 % of the value
            ledger.move("outside", name if own else account.wallet_name, abs(size) * 20 * margin_rate)
            account.dual = True


def settle_in(venue):
    """Have everyone looked at who was put into the state by hand."""
    venue.exchange.floor.dirty.update(dict.fromkeys(venue.state.accounts))
    venue.do(Deposit, account=venue.people["rich"], amount=D(1))


def people_of(dice):
    """Up to five people with up to four legs each, margins of 2 to 40 % of the value."""
    return [
        [
            (
                dice.randrange(3),
                dice.choice(["LONG", "SHORT"]),
                D(dice.randrange(1, 40000)) / 1000,
                dice.random() < 0.5,
                dice.randrange(20, 400),
            )
            for _ in range(dice.randrange(1, 5))
        ]
        for _ in range(dice.randrange(1, 6))
    ]


def walk_of(dice):
    """A walk of the three marks, calm or wild, with a drift of its own."""
    width, drift = dice.choice([3, 15, 60]), dice.randrange(-4, 5)
    return [(dice.randrange(3), dice.randrange(-width, width + 1) + drift) for _ in range(40)]


def next_mark(venue, i, per_mille):
    mark = venue.state.markets[SYMBOLS[i]].mark * (1000 + per_mille) / 1000
    return max(mark.quantize(D("0.1")), D("0.1"))


def edge(floor):
    """Everyone at or over the line of liquidation, and everyone whose call is told, by a look at all."""
    due, called = [], []
    for account in floor.state.accounts.values():
        for margin, keys in margins_of(floor, account).items():
            now = standing(floor, account, margin, keys)
            if is_due(now):
                due.append((account.id, margin))
            if account.kind != "FUND" and now.maintenance >= WARNING * now.equity:
                called.append((account.id, margin))
    return due, sorted(called)


@settings(max_examples=60, deadline=None)
@given(dice=st.randoms(use_true_random=True))
def test_after_every_mark_nobody_is_left_at_the_edge_and_every_call_is_told(dice):
    """Random people in hedge mode, isolated and cross, and random walks: the exchange against a full scan."""
    venue = Venue(*SYMBOLS)
    for symbol in SYMBOLS:
        venue.index("20000", symbol)
        venue.mark("20000", symbol)
    crowd(venue, people_of(dice))
    floor = venue.exchange.floor
    settle_in(venue)
    for i, per_mille in walk_of(dice):
        before = {(account.id, margin) for account in floor.state.accounts.values() for margin in account.warned}
        venue.mark(next_mark(venue, i, per_mille), SYMBOLS[i])
        told = {event.account for event in venue.of(MarginCalled)}
        with deciding():
            due, called = edge(floor)
        assert due == []
        warned = {(account.id, margin) for account in floor.state.accounts.values() for margin in account.warned}
        assert sorted(warned) == called
        assert {number for number, _ in warned - before} <= told


@settings(max_examples=15, deadline=None)
@given(dice=st.randoms(use_true_random=True))
def test_what_happens_does_not_depend_on_what_the_watch_has_seen(dice):
    """One exchange goes on, the other is stored and read back before every mark: the same events, the same state."""
    venue = Venue(*SYMBOLS)
    for symbol in SYMBOLS:
        venue.index("20000", symbol)
        venue.mark("20000", symbol)
    crowd(venue, people_of(dice))
    settle_in(venue)
    other = Venue(*SYMBOLS)
    other.exchange = type(venue.exchange).restore(venue.exchange.snapshot())
    for i, per_mille in walk_of(dice):
        mark = next_mark(venue, i, per_mille)
        other.exchange = type(venue.exchange).restore(other.exchange.snapshot())
        assert venue.mark(mark, SYMBOLS[i]) == other.mark(mark, SYMBOLS[i])
        assert venue.exchange.state_hash() == other.exchange.state_hash()


def test_the_watch_can_be_built_from_the_state_alone():
    venue = Venue()
    venue.index("60000")
    venue.join("short", "10000", leverage=10, isolated=True)
    venue.join("desk", "1000000", leverage=10)
    venue.trade("desk", "short", "1", "60000")
    floor = venue.exchange.floor
    before = dict(floor.watch.pools)
    floor.watch = Watch()
    with deciding():
        rearm(floor)
    assert floor.watch.pools == before
