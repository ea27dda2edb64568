#pragma once

#include <cstdint>

// The toolkit's small vectors, with its alignments.

struct uint3 {
  unsigned int x, y, z;
};
struct dim3 {
  unsigned int x, y, z;
  constexpr dim3(unsigned int nx = 1, unsigned int ny = 1, unsigned int nz = 1) : x(nx), y(ny), z(nz) {}
};

#define SIMT_VECTOR_2(type, element, alignment)                                    \
  struct alignas(alignment) type {                                                 \
    element x, y;                                                                  \
  };                                                                               \
  constexpr type make_##type(element x, element y) { return {x, y}; }
#define SIMT_VECTOR_4(type, element, alignment)                                                                \
  struct alignas(alignment) type {                                                                             \
    element x, y, z, w;                                                                                        \
  };                                                                                                           \
  constexpr type make_##type(element x, element y, element z, element w) { return {x, y, z, w}; }

SIMT_VECTOR_2(char2, signed char, 2)
SIMT_VECTOR_2(uchar2, unsigned char, 2)
SIMT_VECTOR_2(short2, short, 4)
SIMT_VECTOR_2(ushort2, unsigned short, 4)
SIMT_VECTOR_2(int2, int, 8)
SIMT_VECTOR_2(uint2, unsigned int, 8)
SIMT_VECTOR_2(longlong2, long long, 16)
SIMT_VECTOR_2(ulonglong2, unsigned long long, 16)
SIMT_VECTOR_2(float2, float, 8)
SIMT_VECTOR_2(double2, double, 16)
SIMT_VECTOR_4(char4, signed char, 4)
SIMT_VECTOR_4(uchar4, unsigned char, 4)
SIMT_VECTOR_4(short4, short, 8)
SIMT_VECTOR_4(ushort4, unsigned short, 8)
SIMT_VECTOR_4(int4, int, 16)
SIMT_VECTOR_4(uint4, unsigned int, 16)
SIMT_VECTOR_4(float4, float, 16)

#undef SIMT_VECTOR_2
#undef SIMT_VECTOR_4
