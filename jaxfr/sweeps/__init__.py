"""Many runs: from lists of options to compiled programs, and into a result store."""
