// Ctrl-C during a training. Not a public header.
#pragma once

namespace catena::train {

// While one lives, the first SIGINT only makes requested() true and puts the process's own handling
// back, so that the second does what it always did. Where SIGINT is ignored it stays ignored.
// Several may live at a time, on any threads: all see the signal, the last puts the handling back.
class InterruptGuard {
 public:
  explicit InterruptGuard(bool on);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  bool requested() const;

 private:
  bool on_;
};

}  // namespace catena::train
