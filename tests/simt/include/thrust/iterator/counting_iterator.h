#pragma once

#include <cstddef>

namespace thrust {

template <class T>
struct counting_iterator {
  T first;
  T operator[](std::ptrdiff_t i) const { return static_cast<T>(first + static_cast<T>(i)); }
  T operator*() const { return first; }
};
template <class T>
counting_iterator<T> make_counting_iterator(T first) {
  return {first};
}

}  // namespace thrust
