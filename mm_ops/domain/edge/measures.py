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
from typing import TypeVar

import polars as pl

from mm_ops.domain.edge.arrays import Floats
from mm_ops.domain.edge.policy import Instrument, horizon_name
from mm_ops.domain.errors import SchemaError

_BPS = 1e-4

Amount = TypeVar("Amount", pl.Expr, Floats, float)
"""The formulas are written once, for columns of a frame and for arrays."""


def value_of(price: Amount, instrument: Instrument) -> Amount:
    """U: what one unit of quantity is worth at a price."""
    size = instrument.contract_size
    return price * size if instrument.kind == "linear" else -size / price


def notional_at(qty: Amount, price: Amount, instrument: Instrument) -> Amount:
    """Notional of a quantity at a price, in the settlement currency."""
    size = qty * instrument.contract_size
    return size * price if instrument.kind == "linear" else size / price


def gain(moved: Amount, start: Amount, end: Amount) -> Amount:
    """Money of a signed quantity between two values."""
    return moved * (end - start)


def price_fills(fills: pl.DataFrame, instrument: Instrument) -> pl.DataFrame:
    """Add what is known of a symbol's fills without a quote: ``sign``, ``role``, ``fee_money``, ``notional_at_price``.

    ``role`` is +1 for a maker, −1 for a taker and null where the liquidity is not known: it turns our view into the
    market's (effective spread = 2·role·capture). ``notional_at_price`` says how much was filled, measured or not.

    Raises:
        SchemaError: a fill has neither a fee nor a schedule to take it from, or its fee is in another currency.
    """
    return fills.with_columns(
        sign=pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0),
        role=_role(fills),
        fee_money=_fee(fills, instrument),
        notional_at_price=notional_at(pl.col("qty"), pl.col("price"), instrument),
    )


def horizon_names(horizons: tuple[timedelta, ...]) -> list[str]:
    """Names of the horizons, shortest first."""
    return [horizon_name(horizon) for horizon in horizons]


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
    return pl.coalesce(given, rate * notional_at(pl.col("qty"), pl.col("price"), instrument))


def _check_fee_currency(fills: pl.DataFrame, instrument: Instrument) -> None:
    if "fee_asset" not in fills.columns:
        return
    other = sorted(set(fills["fee_asset"].drop_nulls().unique()) - {instrument.settlement})
    if other:
        raise SchemaError(
            f"{instrument.symbol}: fee_asset: expected {instrument.settlement}, was {', '.join(other)}; convert the fee"
        )
