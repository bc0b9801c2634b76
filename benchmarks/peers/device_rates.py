"""What the device can do at most: large matrix products in each precision, and copies of its memory, through PyTorch.

Sides of 8,192 and a gigabyte on a GPU; sizes that only rehearse the code on a CPU. The variant is not used.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks.peers.case import print_report, read_case, versions_of, wait_for_turn

SIDE = {"cuda": 8_192, "cpu": 256}
COPIED_BYTES = {"cuda": 1 << 30, "cpu": 1 << 24}
WARM_UPS = 3
LEAST_REPEATS = 5
SHARES = 4  # of the case's seconds: three precisions and the copy
PRECISIONS = {
    "float32": ("highest", torch.float32),
    "tensorfloat32": ("high", torch.float32),
    "bfloat16": ("highest", torch.bfloat16),
}


def main() -> None:
    case = read_case()
    torch.set_num_threads(case.threads)
    side, seconds = SIDE[case.device], case.seconds / SHARES
    left, right = (torch.randn(side, side, device=case.device) for _ in range(2))
    source = torch.zeros(COPIED_BYTES[case.device], dtype=torch.uint8, device=case.device)
    target = torch.empty_like(source)
    if case.in_turns:
        wait_for_turn()
    products = {}
    for precision, (rule, dtype) in PRECISIONS.items():
        torch.set_float32_matmul_precision(rule)
        factors = left.to(dtype), right.to(dtype)
        out = torch.empty_like(factors[0])
        took = median_seconds(lambda: torch.mm(*factors, out=out), case.device, seconds)  # noqa: B023  # called here
        products[precision] = 2 * side**3 / took
    took = median_seconds(lambda: target.copy_(source), case.device, seconds)
    print_report(
        name=torch.cuda.get_device_name() if case.device == "cuda" else case.device,
        flop_per_second=products,
        # A copy reads and writes.
        bytes_per_second=2 * COPIED_BYTES[case.device] / took,
        versions=versions_of("torch"),
    )


def median_seconds(work: Callable[[], object], device: str, seconds: float) -> float:
    """Return the median time of some work, repeated for so many seconds."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(WARM_UPS):
        work()
    wait()
    took: list[float] = []
    while sum(took) < seconds or len(took) < LEAST_REPEATS:
        start = time.perf_counter()
        work()
        wait()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


if __name__ == "__main__":
    main()
