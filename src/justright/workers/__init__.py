"""Where stacks run: plan, memory, devices, and one pool of workers."""
