"""The demo plant: a pump maker to look at and learn on. Writes through the same actions as everybody else."""
