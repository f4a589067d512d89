"""Many runs: from lists of settings to compiled programs, and into a result store."""
