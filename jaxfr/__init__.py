"""jaxfr: Byzantine attacks on federated recommendation, simulated in JAX.

The way through the package, in the direction in which data flows: ``data``,
``clients`` (with ``models``), ``uploads``, ``attacks``, ``aggregators``, ``training``
(one round, the whole run), ``evaluation``, ``records``. ``theory`` stands beside it.
"""
