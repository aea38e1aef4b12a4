"""The watchdog of the benchmarks notices what it is for."""

import asyncio
import time

from watchdog import Watchdog


async def test_a_wait_and_a_computation_are_told_apart():
    async with Watchdog() as watchdog:
        await asyncio.sleep(0.05)
        time.sleep(0.3)
        await asyncio.sleep(0.05)
        end = time.thread_time() + 0.2
        while time.thread_time() < end:
            pass
        await asyncio.sleep(0.05)
    assert [stall for stall in watchdog.stalls if stall.is_ours and "test_watchdog.py" in stall.where]
    assert [stall for stall in watchdog.stalls if not stall.is_ours and stall.wall > 0.25]
