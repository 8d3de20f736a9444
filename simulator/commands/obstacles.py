"""
What stands against sharing a scenario among workers, as `simulator check` and `simulator run` say it.
"""

from __future__ import annotations

from collections.abc import Mapping

from simulator.commands.terminal import say
from simulator.load.obstacles import obstacles
from simulator.provider import Provider
from simulator.scenario.goals import RunFile

__all__ = ["tell_obstacles"]


def tell_obstacles(name: str, plan: RunFile, providers: Mapping[str, Provider], workers: int) -> bool:
    """Say what stands against sharing *plan* among *workers*; return whether anything does."""
    standing = obstacles(plan, providers, workers)
    for obstacle in standing:
        say(f"{name}: cannot be shared among {workers} workers: {obstacle}", err=True)
    return bool(standing)
