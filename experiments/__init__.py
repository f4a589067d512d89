"""The programs: ``jaxfr train --help``, and so on."""

import sys

from jaxfr.stopping import end_at_once_when_stopped

# So Python calls its first argument while it looks for the program that it was asked
# to run, and only then: whoever imports this package keeps his own ways to end.
if sys.argv[:1] == ["-m"]:
    end_at_once_when_stopped()
