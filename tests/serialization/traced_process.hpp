// A process that is stopped at its system calls, to be killed there or to have them fail. x86-64.
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>

#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

namespace catena::test {

class TracedProcess {
 public:
  // Runs `work` in a copy of this process; what it returns is the exit status.
  explicit TracedProcess(const std::function<int()>& work) : pid_(::fork()) {
    if (pid_ == 0) {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
      ::raise(SIGSTOP);
      ::_exit(work());
    }
    wait();
    is_allowed_ = pid_ > 0 && WIFSTOPPED(status_);
    if (is_allowed_)
      ::ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  }
  ~TracedProcess() { kill(); }
  TracedProcess(const TracedProcess&) = delete;
  TracedProcess& operator=(const TracedProcess&) = delete;

  // Whether this system lets a process trace its children.
  bool is_allowed() const { return is_allowed_; }
  // Goes on to where the next system call begins or ends; false: the process has ended.
  bool next() {
    int signal = 0;
    while (true) {
      ::ptrace(PTRACE_SYSCALL, pid_, nullptr, signal);
      wait();
      if (!WIFSTOPPED(status_)) return false;
      if (WSTOPSIG(status_) == (SIGTRAP | 0x80)) break;
      signal = WSTOPSIG(status_);
    }
    is_begin_ = !is_begin_;
    return true;
  }
  // The call that begins here, SYS_write for example; -1 where one ends.
  long call() const { return is_begin_ ? static_cast<long>(registers().orig_rax) : -1; }
  // Where a call begins: it is not made, and gives this error. False: the process has ended.
  bool fail(int error) {
    user_regs_struct r = registers();
    r.orig_rax = ~0ull;
    ::ptrace(PTRACE_SETREGS, pid_, nullptr, &r);
    if (!next()) return false;
    r = registers();
    r.rax = static_cast<unsigned long long>(-error);
    ::ptrace(PTRACE_SETREGS, pid_, nullptr, &r);
    return true;
  }
  void kill() {
    if (pid_ <= 0 || !WIFSTOPPED(status_)) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  // After the end: what `work` returned, or -1.
  int exit_status() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

 private:
  user_regs_struct registers() const {
    user_regs_struct r;
    ::ptrace(PTRACE_GETREGS, pid_, nullptr, &r);
    return r;
  }
  void wait() {
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) continue;
  }

  pid_t pid_;
  int status_ = 0;
  bool is_allowed_ = false, is_begin_ = false;
};

}  // namespace catena::test
