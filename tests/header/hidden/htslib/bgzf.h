#error "a user who only runs a model must not need HTSlib"
