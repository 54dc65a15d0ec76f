"""Money of each fill, in the settlement currency; positive is good for us unless the name says adverse or fee.

    U(x)          x·C (linear)   or   −C/x (inverse)          value of one unit of quantity at price x
    capture       s·qty·(U(m) − U(p))
    markout_h     s·qty·(U(m'_h) − U(p))
    adverse_h     −s·qty·(U(m'_h) − U(m))                     capture = markout_h + adverse_h, exactly
    inventory_h   s·qty·(U(m_end) − U(m'_h))
    net           s·qty·(U(m_end) − U(p)) − fee               = markout_h + inventory_h − fee
    notional      qty·C·m (linear)   or   qty·C/m (inverse)   bps × notional / 10⁴ is money, exactly

s is +1 where we bought, m the mid prevailing at the fill. Source: Huang and Stoll (1996), J. Financial Economics
41(3), in the money form that closes for inverse contracts too.
"""

from datetime import timedelta

import polars as pl

from mm_ops.domain.edge.policy import EdgePolicy, Instrument, horizon_name
from mm_ops.domain.errors import SchemaError

_BPS = 1e-4


def measure_fills(joined: pl.DataFrame, instrument: Instrument, policy: EdgePolicy) -> pl.DataFrame:
    """Add every measure as money, ``notional``, ``fee_money``, ``sign`` and ``role`` to one symbol's joined fills.

    ``notional_at_price`` is known without a mid as well: it says how much was filled, measured or not.

    ``role`` is +1 for a maker, −1 for a taker and null where the liquidity is not known: it turns our view into the
    market's (effective spread = 2·role·capture).

    Raises:
        SchemaError: a fill has neither a fee nor a schedule to take it from, or its fee is in another currency.
    """
    qty = pl.col("qty")
    sign = pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)
    signed = joined.with_columns(sign=sign, role=_role(joined), fee_money=_fee(joined, instrument))
    moved = pl.col("sign") * qty

    def gain(start: str, end: str) -> pl.Expr:
        return moved * (_value(pl.col(end), instrument) - _value(pl.col(start), instrument))

    columns = {
        "notional": _notional(pl.col("mid"), instrument),
        "notional_at_price": _notional(pl.col("price"), instrument),
        "capture": gain("price", "mid"),
        "net": gain("price", "mid_end") - pl.col("fee_money"),
        "contract_size": pl.lit(instrument.contract_size),
        "inverse": pl.lit(instrument.kind == "inverse"),
    }
    for name in horizon_names(policy.horizons):
        later = f"mid_{name}"
        columns[f"markout_{name}"] = gain("price", later)
        columns[f"adverse_{name}"] = -gain("mid", later)
        columns[f"inventory_{name}"] = gain(later, "mid_end")
    return signed.with_columns(**columns)


def horizon_names(horizons: tuple[timedelta, ...]) -> list[str]:
    """Names of the horizons, shortest first."""
    return [horizon_name(horizon) for horizon in horizons]


def _value(price: pl.Expr, instrument: Instrument) -> pl.Expr:
    size = instrument.contract_size
    return price * size if instrument.kind == "linear" else -size / price


def _notional(price: pl.Expr, instrument: Instrument) -> pl.Expr:
    size = pl.col("qty") * instrument.contract_size
    return size * price if instrument.kind == "linear" else size / price


def _role(fills: pl.DataFrame) -> pl.Expr:
    if "liquidity" not in fills.columns:
        return pl.lit(None, dtype=pl.Float64)
    return pl.when(pl.col("liquidity") == "maker").then(1.0).when(pl.col("liquidity") == "taker").then(-1.0)


def _fee(fills: pl.DataFrame, instrument: Instrument) -> pl.Expr:
    given = pl.col("fee") if "fee" in fills.columns else pl.lit(None, dtype=pl.Float64)
    _check_fee_currency(fills, instrument)
    if "fee" in fills.columns and not fills["fee"].null_count():
        return given
    schedule = instrument.fees
    unknown = "liquidity" not in fills.columns or fills["liquidity"].null_count() > 0
    if schedule is None or unknown:
        lacking = "no fee schedule in instruments.yaml" if schedule is None else "no liquidity (maker or taker)"
        raise SchemaError(f"{instrument.symbol}: fills without a fee, and {lacking}; an edge without fees is refused")
    rate = pl.when(pl.col("liquidity") == "maker").then(schedule.maker_bps).otherwise(schedule.taker_bps) * _BPS
    return pl.coalesce(given, rate * _notional(pl.col("price"), instrument))


def _check_fee_currency(fills: pl.DataFrame, instrument: Instrument) -> None:
    if "fee_asset" not in fills.columns:
        return
    other = sorted(set(fills["fee_asset"].drop_nulls().unique()) - {instrument.settlement})
    if other:
        raise SchemaError(
            f"{instrument.symbol}: fee_asset: expected {instrument.settlement}, was {', '.join(other)}; convert the fee"
        )
