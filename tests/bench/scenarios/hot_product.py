"""Everybody wants the same thing: one product in every order, against a thousand products."""

from .. import exact, placing
from ..figures import Bar, Chart, Result, ratios

NAME = "hot-product"
TITLE = "Hot product: whole sagas a second with one product in every order, against 1,000 products"
LEAST = Bar(least=0.8)


def steps(plan):
    return 1 + 2 * plan.rounds


def run(rig):
    result = Result()
    rig.step("hot product, warm-up")
    rig.empty()
    placing.warm_up(rig)
    hot, spread = [], []
    for number in range(rig.plan.rounds):
        rig.step(f"hot product, round {number + 1}")
        rig.checkpoint()
        hot.append(placing.run_saga(rig, products=rig.hot_product))
        rig.step(f"hot product, round {number + 1}, 1,000 products")
        rig.checkpoint()
        spread.append(placing.run_saga(rig))
    placing.all_accepted(result, "hot product", hot + spread)
    exact.saga_agrees(rig, result, "hot product")
    hot_rates, spread_rates = ([saga.rate for saga in sagas] for sagas in (hot, spread))
    result.add("one product", "1/s", hot_rates)
    result.add("1,000 products", "1/s", spread_rates)
    result.add("one / 1,000 products", "x", ratios(hot_rates, spread_rates), LEAST)
    series = {"whole sagas": [hot_rates, spread_rates]}
    result.charts.append(Chart("Whole sagas a second", "1/s", ["one product", "1,000 products"], series))
    return result
