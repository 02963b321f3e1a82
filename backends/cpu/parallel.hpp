// Work sharing over the CPU's threads. The caller takes part; small work stays on its thread.
#pragma once

#include <cstdint>

namespace catena {

// Threads that one call may use, the caller's included. 0 asks for the machine's count; the
// environment variable CATENA_NUM_THREADS sets it at start.
void set_num_threads(int n);
int num_threads();

// Whether this thread, and those that share its work, take denormal numbers (in float32 those below
// 1.2e-38) as 0: they slow the processor down a hundredfold. Off at start; optimizer steps flush
// them always. False when the processor has no such mode.
bool set_flush_denormals(bool on);
bool flush_denormals();

namespace cpu {

// Calls body(context, begin, end) for disjoint ranges that cover [0, n), each a multiple of `grain`
// long but for the last. Ranges depend on n and grain only, so that results do not depend on the
// thread count. Runs on the caller's thread when there is one range or one thread.
void parallel_for(std::int64_t n, std::int64_t grain,
                  void (*body)(void* context, std::int64_t begin, std::int64_t end), void* context);

}  // namespace cpu
}  // namespace catena
