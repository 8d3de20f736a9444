"""
Runs that are called off end, whatever they were waiting for.
"""

from __future__ import annotations

import asyncio

from simulator.run.settling import call_off


async def test_task_that_misses_a_cancellation_is_called_off_again() -> None:
    """
    One cancellation may be swallowed by a wait that ends just then; the task ends all the same.
    """
    missed = 0

    async def deaf() -> None:
        nonlocal missed
        while True:
            try:
                await asyncio.sleep(3_600)
            except asyncio.CancelledError:
                missed += 1
                if missed == 3:
                    raise

    task = asyncio.get_running_loop().create_task(deaf())
    await asyncio.sleep(0)

    await call_off(task)

    assert task.cancelled()
    assert missed == 3
