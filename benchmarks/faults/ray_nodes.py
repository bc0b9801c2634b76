"""A Ray cluster of two nodes on this machine, with a processor each, in a process of its own: Ray forks, JAX forbids it."""

from __future__ import annotations

import subprocess
import sys


class Nodes:
    """Two nodes, one of which can be killed; a context manager."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError("Ray's nodes did not start: the machine is too busy for them.")

    def kill_one(self) -> None:
        """Kill the node that is not the head, and return once it is dead."""
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main() -> None:
    """Start the nodes and print their address; kill one for each line that is read, and all at the end."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(node, allow_graceful=False)
        print("killed", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
