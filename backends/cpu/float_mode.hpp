// The processor's treatment of denormal numbers, those next to 0 that have lost digits: one costs
// as much time as a hundred others. Not a public header.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace catena::cpu {

// The mode of this thread, as the processor keeps it. On processors other than x86 there is one
// mode only.
struct FloatMode {
  unsigned bits = 0;

#if defined(__SSE2__)
  static constexpr unsigned kFlush = 0x8040;  // results flushed to 0, operands taken as 0
  static FloatMode current() { return {_mm_getcsr()}; }
  void set() const { _mm_setcsr(bits); }
#else
  static constexpr unsigned kFlush = 0;
  static FloatMode current() { return {}; }
  void set() const {}
#endif
  FloatMode flushing(bool on) const { return {on ? bits | kFlush : bits & ~kFlush}; }
  bool flushes() const { return kFlush != 0 && (bits & kFlush) == kFlush; }
};

// A mode for as long as this lives.
class FloatModeScope {
 public:
  explicit FloatModeScope(FloatMode mode) : before_(FloatMode::current()) { mode.set(); }
  ~FloatModeScope() { before_.set(); }
  FloatModeScope(const FloatModeScope&) = delete;
  FloatModeScope& operator=(const FloatModeScope&) = delete;

 private:
  FloatMode before_;
};

}  // namespace catena::cpu
