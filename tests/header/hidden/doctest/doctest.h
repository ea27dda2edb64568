#error "only tests use doctest"
