"""A case computed: the course, the checks, the result."""
