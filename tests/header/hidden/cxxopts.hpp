#error "only programs use cxxopts"
