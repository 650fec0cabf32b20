// SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
// SPDX-License-Identifier: Apache-2.0
//
// The words of CUDA C++ that kernels of CuPy use, for a compiler of the host.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "threads.h"

#define __CUDA_ARCH__ 900
#undef __device__
#undef __forceinline__
#undef __global__
#undef __host__
#undef __shared__
#define __device__
#define __forceinline__ inline
#define __global__
#define __host__
#define __launch_bounds__(...)
#define __noinline__
// Blocks run one after another on one thread of the host.
#define __shared__ static thread_local

static const int warpSize = 32;

// ---- threads ----

static inline void __syncthreads() { emulated_wait_for_block(); }
static inline void __syncwarp(unsigned = ~0u) { emulated_wait_for_warp(); }
static inline int __syncthreads_or(int vote) { return emulated_vote(0, vote); }
static inline int __syncthreads_and(int vote) { return emulated_vote(1, vote); }
static inline int __syncthreads_count(int vote) { return emulated_vote(2, vote); }

static inline int emulated_thread() {
  return (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
}
template <class T>
static T emulated_shuffle(T value, int lane) {
  static_assert(sizeof(T) <= 16, "a value of a shuffle");
  int self = emulated_thread();
  memcpy(emulated_exchange() + 16 * self, &value, sizeof(T));
  emulated_wait_for_warp();
  memcpy(&value, emulated_exchange() + 16 * (self / 32 * 32 + lane), sizeof(T));
  emulated_wait_for_warp();
  return value;
}
template <class T>
static T __shfl_sync(unsigned, T value, int lane, int width = 32) {
  int own = emulated_thread() % 32;
  return emulated_shuffle(value, own / width * width + lane % width);
}
template <class T>
static T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
  return emulated_shuffle(value, (emulated_thread() % 32) ^ mask);
}
template <class T>
static T __shfl_up_sync(unsigned, T value, int delta, int width = 32) {
  int own = emulated_thread() % 32;
  return emulated_shuffle(value, own % width >= delta ? own - delta : own);
}
template <class T>
static T __shfl_down_sync(unsigned, T value, int delta, int width = 32) {
  int own = emulated_thread() % 32;
  return emulated_shuffle(value, own % width + delta < width ? own + delta : own);
}

// ---- atomic operations: nothing else runs between ----

template <class T, class F>
static inline T emulated_exchange_value(T* at, F changed) {
  T old = *at;
  *at = static_cast<T>(changed(old));
  return old;
}
template <class T, class U>
static inline T atomicAdd(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return old + (T)value; });
}
template <class T, class U>
static inline T atomicSub(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return old - (T)value; });
}
template <class T, class U>
static inline T atomicMax(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return (T)value > old ? (T)value : old; });
}
template <class T, class U>
static inline T atomicMin(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return (T)value < old ? (T)value : old; });
}
template <class T, class U>
static inline T atomicExch(T* at, U value) {
  return emulated_exchange_value(at, [=](T) { return (T)value; });
}
template <class T, class U>
static inline T atomicAnd(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return old & (T)value; });
}
template <class T, class U>
static inline T atomicOr(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return old | (T)value; });
}
template <class T, class U>
static inline T atomicXor(T* at, U value) {
  return emulated_exchange_value(at, [=](T old) { return old ^ (T)value; });
}
template <class T, class U, class V>
static inline T atomicCAS(T* at, U expected, V value) {
  return emulated_exchange_value(at, [=](T old) { return old == (T)expected ? (T)value : old; });
}

// ---- numbers ----

using std::abs;
using std::cbrt;
using std::ceil;
using std::copysign;
using std::exp;
using std::exp2;
using std::expm1;
using std::fabs;
using std::floor;
using std::isfinite;
using std::isinf;
using std::isnan;
using std::log;
using std::log10;
using std::log1p;
using std::log2;
using std::pow;
using std::rint;
using std::signbit;
using std::sqrt;
using std::tanh;
using std::trunc;

template <class T, class U>
static inline typename std::common_type<T, U>::type min(T a, U b) {
  typedef typename std::common_type<T, U>::type C;
  return (C)a < (C)b ? (C)a : (C)b;
}
template <class T, class U>
static inline typename std::common_type<T, U>::type max(T a, U b) {
  typedef typename std::common_type<T, U>::type C;
  return (C)a > (C)b ? (C)a : (C)b;
}
static inline double rsqrt(double x) { return 1 / std::sqrt(x); }
static inline float rsqrt(float x) { return 1 / std::sqrt(x); }
static inline double __dsqrt_rn(double x) { return std::sqrt(x); }
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }

template <class To, class From>
static inline To emulated_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "types of one size");
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}
static inline int __float_as_int(float x) { return emulated_bits<int>(x); }
static inline float __int_as_float(int x) { return emulated_bits<float>(x); }
static inline unsigned __float_as_uint(float x) { return emulated_bits<unsigned>(x); }
static inline float __uint_as_float(unsigned x) { return emulated_bits<float>(x); }
static inline long long __double_as_longlong(double x) { return emulated_bits<long long>(x); }
static inline double __longlong_as_double(long long x) { return emulated_bits<double>(x); }
static inline int __double2hiint(double x) { return __double_as_longlong(x) >> 32; }
static inline int __double2loint(double x) { return __double_as_longlong(x); }
static inline double __hiloint2double(int high, int low) {
  return __longlong_as_double(((long long)high << 32) | (unsigned)low);
}
static inline unsigned short __float2half_rn(float x) {
  return emulated_bits<unsigned short>((_Float16)x);
}
static inline float __half2float(unsigned short x) { return (float)emulated_bits<_Float16>(x); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
template <class T>
static inline T __ldg(const T* at) { return *at; }

// ---- a call with the array of addresses that a launch has ----

template <class T>
using emulated_value =
    typename std::remove_cv<typename std::remove_reference<T>::type>::type;
template <class... A, size_t... I>
static void emulated_call(void (*kernel)(A...), void** p, std::index_sequence<I...>) {
  kernel(*reinterpret_cast<emulated_value<A>*>(p[I])...);
}
template <class... A>
static void emulated_call(void (*kernel)(A...), void** p) {
  emulated_call(kernel, p, std::index_sequence_for<A...>{});
}
