"""Response bodies of the read operations, by group; pure functions of a `View` and checked arguments."""
