// SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
// SPDX-License-Identifier: Apache-2.0
//
// What a kernel knows of its thread, and how its blocks are run; see threads.cpp.
#pragma once
#include <cstddef>

struct EmulatedIndex { unsigned int x, y, z; };

extern thread_local EmulatedIndex threadIdx, blockIdx, blockDim, gridDim;
extern thread_local char* emulated_dynamic_memory;

// Lets the other threads of the block, or of the warp, come to the same point.
void emulated_wait_for_block();
void emulated_wait_for_warp();
// Votes of the threads of a block: whether any, whether all, and how many.
int emulated_vote(int kind, int vote);
// Where threads of a block leave a value for others of their warp.
char* emulated_exchange();

extern "C" {
// Runs `body(arguments)` for each thread of each block. Without barriers the threads run
// one after another on this stack; with them each has a stack of its own. Returns what
// is wrong with the kernel, or a null pointer.
const char* emulated_launch(void (*body)(void**), void** arguments, const unsigned* grid,
                            const unsigned* block, size_t dynamic_bytes, int barriers);
}
