"""Our own tables, in the same database as Optuna's.

``metaopt_epochs`` keeps the breakdown of every scored epoch, so that it can be
queried; ``metaopt_leases`` says which controller drives a study.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Float, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The tables that metaopt owns."""


class EpochRow(Base):
    """One scored epoch of one trial."""

    __tablename__ = "metaopt_epochs"

    study: Mapped[str] = mapped_column(String(255), primary_key=True)
    trial: Mapped[int] = mapped_column(Integer, primary_key=True)
    epoch: Mapped[int] = mapped_column(Integer, primary_key=True)
    score: Mapped[float] = mapped_column(Float(53))
    seconds: Mapped[float] = mapped_column(Float(53))
    showers: Mapped[int] = mapped_column(Integer)
    groups: Mapped[dict[str, Any]] = mapped_column(JSON)
    losses: Mapped[dict[str, Any]] = mapped_column(JSON)


class LeaseRow(Base):
    """The controller that drives a study, until ``expires`` [s since 1970]."""

    __tablename__ = "metaopt_leases"

    study: Mapped[str] = mapped_column(String(255), primary_key=True)
    owner: Mapped[str] = mapped_column(String(255))
    host: Mapped[str] = mapped_column(String(255))
    pid: Mapped[int] = mapped_column(Integer)
    expires: Mapped[float] = mapped_column(Float(53))
