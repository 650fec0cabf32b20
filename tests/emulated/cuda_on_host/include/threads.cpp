// SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
// SPDX-License-Identifier: Apache-2.0
//
// Runs the blocks of a kernel one after another. The threads of a block take turns on one
// thread of the host: each runs until it waits for its block or its warp. With
// EMULATED_ORDER=reverse the last one begins, so that a missing barrier gives other
// results.
//
// A thread gets its stack by `makecontext`; from then on turns change by `_longjmp`, for
// `swapcontext` asks the kernel twice for each.
#undef _FORTIFY_SOURCE  // would refuse a jump to another stack
#include "threads.h"

#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

thread_local EmulatedIndex threadIdx{0, 0, 0}, blockIdx{0, 0, 0}, blockDim{1, 1, 1},
    gridDim{1, 1, 1};
thread_local char* emulated_dynamic_memory = nullptr;

namespace {

enum State : char { READY, AT_BLOCK, AT_WARP, ENDED };
const size_t STACK = 256 * 1024, WARP = 32, VALUE = 16, MOST = 1024, GUARD = 4096;

struct Place {
  jmp_buf at;
};

struct Block {
  void (*body)(void**) = nullptr;
  void** arguments = nullptr;
  Place places[MOST];
  std::vector<State> states;
  std::vector<std::unique_ptr<char[]>> stacks;
  std::vector<char> values;
  Place scheduler, launch;
  char error[200];
  unsigned current = 0, living = 0;  // stacks that live are the first ones
  bool running = false, alone = false;
  int voted = 0, yes = 0, asked = 0, result[3] = {0, 0, 0};
};

thread_local Block block;

// Ends the kernel with an error. Its stacks are left as they are, and others are made.
void refuse(const char* what) {
  if (!block.error[0]) snprintf(block.error, sizeof block.error, "%s", what);
  for (auto& stack : block.stacks) stack.release();
  block.stacks.clear();
  block.living = 0;
  block.running = block.alone = false;
  _longjmp(block.launch.at, 1);
}

// Lets the scheduler go on; returns when it lets this thread run again.
void give_way() {
  if (!_setjmp(block.places[block.current].at)) _longjmp(block.scheduler.at, 1);
}

// What a stack does for ever: it is a thread of one block after another.
void live() {
  for (;;) {
    give_way();
    block.body(block.arguments);
    block.states[block.current] = ENDED;
  }
}

// Lets a thread run until it waits or ends.
void run(unsigned t) {
  block.current = t;
  if (!_setjmp(block.scheduler.at)) _longjmp(block.places[t].at, 1);
}

// Brings a new stack to where it waits for its first block.
void prepare(unsigned t) {
  block.current = t;
  block.living++;
  if (_setjmp(block.scheduler.at)) return;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = block.stacks[t].get();
  context.uc_stack.ss_size = STACK;
  context.uc_link = nullptr;
  makecontext(&context, live, 0);
  setcontext(&context);
}

void wait(State state) {
  if (block.alone) refuse("a thread waits for others that have ended");
  if (!block.running) return;
  block.states[block.current] = state;
  give_way();
}

EmulatedIndex place(unsigned t) {
  return {t % blockDim.x, t / blockDim.x % blockDim.y,
          t / (blockDim.x * blockDim.y)};
}

bool let_warps_go_on(unsigned n) {
  bool any = false;
  for (unsigned first = 0; first < n; first += WARP) {
    bool all = true, some = false;
    for (unsigned t = first; t < n && t < first + WARP; t++) {
      all = all && (block.states[t] == AT_WARP || block.states[t] == ENDED);
      some = some || block.states[t] == AT_WARP;
    }
    if (!all || !some) continue;
    any = true;
    for (unsigned t = first; t < n && t < first + WARP; t++)
      if (block.states[t] == AT_WARP) block.states[t] = READY;
  }
  return any;
}

void let_block_go_on(unsigned n) {
  for (unsigned t = 0; t < n; t++)
    if (block.states[t] == AT_WARP)
      refuse("some threads of a warp wait for the block, and some for the warp");
  for (unsigned t = 0; t < n; t++)
    if (block.states[t] == AT_BLOCK) block.states[t] = READY;
}

void run_with_barriers(unsigned n) {
  static const bool reverse = [] {
    const char* order = getenv("EMULATED_ORDER");
    return order && !strcmp(order, "reverse");
  }();
  block.states.assign(n, READY);
  block.values.resize(n * VALUE);
  while (block.stacks.size() < n) block.stacks.emplace_back(new char[STACK]);
  // In the order of their numbers, whichever begins.
  for (unsigned t = block.living; t < n; t++) prepare(t);
  unsigned first = reverse ? n - 1 : 0;
  block.running = true;
  threadIdx = place(first);
  run(first);
  if (block.states[first] == ENDED) {
    // A block with nothing to do, for which no other thread needs a stack.
    block.running = false;
    block.alone = true;
    for (unsigned t = 0; t < n; t++) {
      if (t == first) continue;
      threadIdx = place(t);
      block.body(block.arguments);
    }
    block.alone = false;
    return;
  }
  for (;;) {
    bool ran = false, ended = true;
    for (unsigned i = 0; i < n; i++) {
      unsigned t = reverse ? n - 1 - i : i;
      if (block.states[t] == READY) {
        ran = true;
        threadIdx = place(t);
        run(t);
      }
      ended = ended && block.states[t] == ENDED;
    }
    if (ended) break;
    if (!let_warps_go_on(n) && !ran) let_block_go_on(n);
  }
  block.running = false;
}

}  // namespace

void emulated_wait_for_block() { wait(AT_BLOCK); }
void emulated_wait_for_warp() { wait(AT_WARP); }

int emulated_vote(int kind, int vote) {
  block.asked++;
  block.yes += vote != 0;
  emulated_wait_for_block();
  // The first that goes on counts, for all.
  if (block.asked) {
    int results[3] = {block.yes > 0, block.yes == block.asked, block.yes};
    memcpy(block.result, results, sizeof results);
    block.asked = block.yes = 0;
  }
  int found = block.result[kind];
  emulated_wait_for_block();
  return found;
}

char* emulated_exchange() { return block.values.data(); }

extern "C" {

const char* emulated_launch(void (*body)(void**), void** arguments, const unsigned* grid,
                            const unsigned* size, size_t dynamic_bytes, int barriers) {
  std::unique_ptr<char[]> memory(new char[dynamic_bytes + 64 + GUARD]);
  uintptr_t at = (reinterpret_cast<uintptr_t>(memory.get()) + 63) / 64 * 64;
  emulated_dynamic_memory = reinterpret_cast<char*>(at);
  block.body = body;
  block.arguments = arguments;
  gridDim = {grid[0], grid[1], grid[2]};
  blockDim = {size[0], size[1], size[2]};
  unsigned n = size[0] * size[1] * size[2];
  block.error[0] = 0;
  if (_setjmp(block.launch.at)) return block.error;
  for (unsigned z = 0; z < grid[2]; z++)
    for (unsigned y = 0; y < grid[1]; y++)
      for (unsigned x = 0; x < grid[0]; x++) {
        blockIdx = {x, y, z};
        // What nobody has written is no likely number.
        memset(emulated_dynamic_memory, 0xCD, dynamic_bytes + GUARD);
        for (unsigned t = 0; !barriers && t < n; t++) {
          threadIdx = place(t);
          body(arguments);
        }
        if (barriers) run_with_barriers(n);
        for (size_t i = 0; i < GUARD; i++)
          if (emulated_dynamic_memory[dynamic_bytes + i] != (char)0xCD) {
            char text[200];
            snprintf(text, sizeof text, "wrote %zu bytes beyond the %zu that it shares", i,
                     dynamic_bytes);
            refuse(text);
          }
      }
  emulated_dynamic_memory = nullptr;
  return nullptr;
}

// For kernels of Numba.
unsigned emulated_index(int what, int axis) {
  const EmulatedIndex& found =
      what == 0 ? threadIdx : what == 1 ? blockIdx : what == 2 ? blockDim : gridDim;
  return axis == 0 ? found.x : axis == 1 ? found.y : found.z;
}
void emulated_syncthreads() { emulated_wait_for_block(); }
void emulated_syncwarp() { emulated_wait_for_warp(); }
int emulated_block_vote(int kind, int vote) { return emulated_vote(kind, vote); }
void* emulated_shared() { return emulated_dynamic_memory; }
}
