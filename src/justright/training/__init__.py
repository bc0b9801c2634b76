"""One stack in one process: a Keras model -> a compiled program -> curves. The only package that imports JAX, and only in workers."""
