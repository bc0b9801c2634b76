"""Runs -> stacks -> compiled chunks of epochs -> curves. The only package that imports JAX, and only in workers.

Importing `justright.engine` itself imports neither JAX nor Keras: the coordinator sends tasks to worker
processes, whose Keras backend is JAX whatever the caller's is.
"""
