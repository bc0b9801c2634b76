"""The rate of single-precision matrix products of the shapes that Large trains with, on pinned single threads.

The mode is the library: 'numpy', 'jax' or 'torch'. One process per processor, all at the same time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np

from benchmarks.peers.case import BATCH_ROWS, print_report, read_case, thread_variables

WIDTH = 512
REPEATS = 20


def main() -> None:
    case = read_case()
    if "GEMM_CORE" in os.environ:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, [int(os.environ["GEMM_CORE"])])
        print_report(gigaflop_per_second=measure(case.mode, case.seconds))
        return
    command = [sys.executable, "-m", "benchmarks.peers.gemm", *sys.argv[1:]]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(case.threads)
    environment = os.environ | thread_variables(1)
    processes = [
        subprocess.Popen(
            command, env=environment | {"GEMM_CORE": str(core)}, stdout=subprocess.PIPE, text=True
        )
        for core in cores
    ]
    rates = [json.loads(process.communicate()[0])["gigaflop_per_second"] for process in processes]
    print_report(library=case.mode, gigaflop_per_second=sum(rates))


def measure(library: str, seconds: float) -> float:
    """Return GFLOP/s: the median over many short bursts of forward and both backward products."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH_ROWS, WIDTH)).astype(np.float32)
    weight = rng.normal(size=(WIDTH, WIDTH)).astype(np.float32)
    burst = {"numpy": numpy_burst, "jax": jax_burst, "torch": torch_burst}[library](x, weight)
    burst()
    flop = 3 * 2 * BATCH_ROWS * WIDTH * WIDTH * REPEATS
    rates = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not rates:
        start = time.perf_counter()
        burst()
        rates.append(flop / (time.perf_counter() - start) / 1e9)
    return float(np.median(rates))


def numpy_burst(x, weight):
    return burst_into(np.matmul, np.empty_like, x, weight)


def torch_burst(x, weight):
    import torch

    torch.set_num_threads(1)
    return burst_into(torch.mm, torch.empty_like, torch.from_numpy(x), torch.from_numpy(weight))


def burst_into(multiply, empty_like, x, weight):
    """Return a burst whose products are written to the same three arrays each time."""
    outputs = empty_like(x), empty_like(x), empty_like(weight)

    def burst():
        for _ in range(REPEATS):
            multiply(x, weight, out=outputs[0])
            multiply(x, weight.T, out=outputs[1])
            multiply(x.T, x, out=outputs[2])

    return burst


def jax_burst(x, weight):
    os.environ |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "JAX_PLATFORMS": "cpu"}
    import jax

    x, weight = jax.numpy.asarray(x), jax.numpy.asarray(weight)
    products = [
        jax.jit(lambda x, weight: x @ weight),
        jax.jit(lambda x, weight: x @ weight.T),
        jax.jit(lambda x, weight: x.T @ x),
    ]

    def burst():
        for _ in range(REPEATS):
            results = [product(x, weight) for product in products]
        jax.block_until_ready(results)

    return burst


if __name__ == "__main__":
    main()
