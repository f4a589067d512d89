"""Random inputs for everything that reads one, and what must come of them.

python -m tests.fuzzing --minutes=60 --out=finds

A program may take an input or refuse it, in one line that names what is wrong. It may
not end in any other way, take long, or take an input for something else than it is.
"""
