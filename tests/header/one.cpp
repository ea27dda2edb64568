#include "everything.hpp"

ligase::Index elements_in_two();

int main() { return elements_in_two() == ligase::Shape{2, 3}.count() ? 0 : 1; }
