"""Lanes that an accelerator computes together: what each of them begins with, and what makes it different."""
