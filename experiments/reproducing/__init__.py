"""The work of experiments/reproduce.py, apart from its flags."""
