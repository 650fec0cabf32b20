// SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
// SPDX-License-Identifier: Apache-2.0
//
// In place of CuPy's header of this name, which needs CUDA's own.
#pragma once
#include "cupy/carray.cuh"

class float16 {
 public:
  _Float16 data;
  float16() {}
  template <class T>
  float16(T value) : data((_Float16)(float)value) {}
  operator float() const { return (float)data; }
  unsigned short to_bits() const { return emulated_bits<unsigned short>(data); }
  static float16 from_bits(unsigned short bits) {
    float16 out;
    out.data = emulated_bits<_Float16>(bits);
    return out;
  }
  float16& operator+=(float16 other) {
    data += other.data;
    return *this;
  }
};
static inline bool isnan(float16 x) { return std::isnan((float)x); }
static inline bool isinf(float16 x) { return std::isinf((float)x); }
static inline bool isfinite(float16 x) { return std::isfinite((float)x); }
static inline float16 min(float16 a, float16 b) { return (float)a < (float)b ? a : b; }
static inline float16 max(float16 a, float16 b) { return (float)a > (float)b ? a : b; }
