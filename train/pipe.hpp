// A thread that makes values ahead of their use. Not a public header.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace catena::train {

// The values of `make`, in order, until it returns nothing. At most `depth` wait to be taken. An
// exception of `make` comes out of next() in the place of its value, and is the last. The
// destructor waits for the value being made, not for those to come.
template <class T>
class Pipe {
 public:
  Pipe(std::function<std::optional<T>()> make, std::size_t depth)
      : make_(std::move(make)), depth_(depth), thread_([this] { run(); }) {}
  ~Pipe() {
    stop();
    thread_.join();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // Nothing more will be taken.
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
  }

  std::optional<T> next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !made_.empty() || done_; });
    if (made_.empty()) {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::nullopt;
    }
    std::optional<T> value(std::move(made_.front()));
    made_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return value;
  }

 private:
  void run() {
    while (true) {
      std::optional<T> value;
      std::exception_ptr error;
      try {
        value = make_();
      } catch (...) {
        error = std::current_exception();
      }
      std::unique_lock lock(mutex_);
      // After an exception `value` is not looked at: g++ 12 lets the call write into it directly.
      error_ = error;
      done_ = error || !value;
      if (!done_) made_.push_back(std::move(*value));
      changed_.notify_all();
      if (done_) return;
      changed_.wait(lock, [this] { return made_.size() < depth_ || stop_; });
      if (stop_) return;
    }
  }

  std::function<std::optional<T>()> make_;
  std::size_t depth_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> made_;
  std::exception_ptr error_;
  bool done_ = false, stop_ = false;
  std::thread thread_;
};

}  // namespace catena::train
