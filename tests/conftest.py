"""Four devices on one CPU, for runs that are spread; has to be said before JAX starts.

Whatever is not spread runs on the first of them, as it would without the others.
"""

import jax

jax.config.update("jax_num_cpu_devices", 4)
