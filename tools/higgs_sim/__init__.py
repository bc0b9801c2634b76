"""Generator of the simulated table packaged with justright: proton collisions with the columns of HIGGS."""
