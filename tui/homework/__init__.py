"""The course's tasks: what they ask for, what of it has happened, the walk through them, and the report."""
