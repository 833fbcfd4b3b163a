"""The book against a list of orders that is sorted anew each time, and its figures by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.exchange.floor import BTC, Bench, D, check_books, code_of

from bearskin.exchange._book import Book
from bearskin.exchange._words import Traded


def test_better_prices_first_then_earlier_orders():
    bench = Bench()
    for price in (99, 98, 99, 97.5):
        bench.order(0, 1, price)
    for price in (103, 101, 102):
        bench.order(1, -1, price)
    assert bench.held() == [
        [("99.0", "2.000"), ("98.0", "1.000"), ("97.5", "1.000")],
        [("101.0", "1.000"), ("102.0", "1.000"), ("103.0", "1.000")],
    ]
    book = bench.floor.books[BTC]
    assert (book.best(1), book.best(-1), book.mid()) == (990, 1010, D(100))
    assert book.levels(1, 2) == [(D(99), D(2)), (D(98), D(1))]
    assert [e.order.id for e in bench.place(2, -1.5, 99) if type(e).__name__ == "OrderUpdated" and e.fill] == [
        8,
        1,
        8,
        3,
    ]


def test_an_empty_side_has_no_best():
    book = Bench().floor.books[BTC]
    assert (book.best(1), book.best_price(-1), book.mid(), book.levels(1)) == (None, None, None, [])


def test_the_impact_price_is_the_average_of_what_would_trade():
    bench = Bench()
    bench.order(0, 1, 100)
    bench.order(0, 2, 99)
    book = bench.floor.books[BTC]
    assert book.impact_price(1, D(50)) == 100
    # 100 at 100 and 99 at 99: 199 for two coins
    assert book.impact_price(1, D(199)) == D("99.5")
    assert book.impact_price(1, D(299)) is None
    assert book.impact_price(-1, D(1)) is None


def test_bounds_follow_mark_and_are_cautious():
    bench = Bench(mark=100, multiplier_up=D("1.0505"), multiplier_down=D("0.9495"))
    book: Book = bench.floor.books[BTC]
    book.refresh()
    # 105.05 and 94.95 lie between ticks: inwards
    assert (book.ticks_up, book.ticks_down) == (1050, 950)
    bench.mark(200)
    book.refresh()
    assert (book.ticks_up, book.ticks_down, book.take_up, book.take_down) == (2101, 1899, 2100, 1900)
    bench.mark(None)
    book.refresh()
    assert book.ticks_up > 10**20
    assert book.ticks_down == 0


def test_a_cap_is_that_of_the_highest_bracket_that_allows_the_leverage():
    book = Bench().floor.books[BTC]
    assert [book.cap(leverage) for leverage in (1, 10, 11, 100, 101)] == [D(10**8), D(10**8), D(10**6), D(10**6), 0]


class Naive:
    """Price-time priority over a plain list."""

    def __init__(self) -> None:
        self.orders: list[list[int]] = []  # id, side, ticks, steps, time
        self.time = 0

    def place(self, number: int, side: int, ticks: int, steps: int, rests: bool) -> list[tuple[int, int]]:
        trades = []
        while steps:
            facing = [o for o in self.orders if o[1] == -side and (ticks - o[2]) * side >= 0]
            if not facing:
                break
            best = min(facing, key=lambda o: (o[2] * side, o[4]))
            taken = min(steps, best[3])
            trades.append((best[2], taken))
            best[3] -= taken
            steps -= taken
            if not best[3]:
                self.orders.remove(best)
        if steps and rests:
            self.time += 1
            self.orders.append([number, side, ticks, steps, self.time])
        return trades

    def levels(self, side: int) -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for order in self.orders:
            if order[1] == side:
                found[order[2]] = found.get(order[2], 0) + order[3]
        return sorted(found.items(), key=lambda item: -side * item[0])


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK", "GTX", "CANCEL", "AMEND"]),
        st.sampled_from([1, -1]),
        st.integers(990, 1010),
        st.integers(100, 400),
        st.integers(0, 30),
    ),
    max_size=60,
)


@given(ACTIONS)
@settings(max_examples=120, deadline=None)
def test_the_same_trades_and_levels_as_a_plain_list(actions):
    bench = Bench(accounts=4)
    naive = Naive()
    numbers = []
    for i, (what, side, ticks, steps, pick) in enumerate(actions):
        qty, price = side * D(steps) / 1000, D(ticks) / 10
        if what in ("CANCEL", "AMEND"):
            mine = [o for o in numbers if o[0] in bench.state.orders]
            if not mine:
                continue
            number, who = mine[pick % len(mine)]
            order = bench.state.orders[number]
            old = next(o for o in naive.orders if o[0] == number)
            if what == "CANCEL":
                bench.cancel(who, number)
                naive.orders.remove(old)
                continue
            side, filled = order.side, order.filled_steps
            events = bench.amend(who, number, abs(qty) * side, price)
            if code_of(events):
                assert (order.price_ticks, order.qty_steps) == (ticks, steps)
                continue
            naive.orders.remove(old)
            crosses = any(o[1] == -side and (ticks - o[2]) * side >= 0 for o in naive.orders)
            if steps <= filled or (order.tif == "GTX" and crosses):
                continue
            expected = naive.place(number, side, ticks, steps - filled, True)
        else:
            who = i % 4
            before = [list(order) for order in naive.orders]
            number = bench.state.next_order
            expected = naive.place(number, side, ticks, steps, what in ("GTC", "GTX"))
            killed = (what == "FOK" and sum(t[1] for t in expected) < steps) or (what == "GTX" and expected)
            if killed:
                naive.orders = before
            events = bench.place(who, qty, price, tif=what, self_trade="NONE")
            assert code_of(events) == ((-5021 if what == "FOK" else -5022) if killed else 0)
            if killed:
                continue
            numbers.append((number, who))
        traded = [(int(e.price * 10), int(e.qty * 1000)) for e in events if isinstance(e, Traded)]
        assert traded == expected
        book = bench.floor.books[BTC]
        for half in (1, -1):
            assert [(int(p * 10), int(q * 1000)) for p, q in book.levels(half)] == naive.levels(half)
    check_books(bench)
