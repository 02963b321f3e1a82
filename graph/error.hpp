// The three kinds of failure, each a message of the form
//   [op] what is wrong: actual values; expected; what to do. (called at model.cpp:41)
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace catena {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The caller's argument is wrong: a shape, a dtype, a name, a missing gradient.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

// The outside world failed: a file, a device, memory.
class SystemError : public Error {
 public:
  using Error::Error;
};

// The request is well formed but needs something Catena, or this build of it, does not have.
class UnsupportedError : public Error {
 public:
  using Error::Error;
};

// A bug in Catena itself.
class InternalError : public Error {
 public:
  using Error::Error;
};

// " (called at model.cpp:41)", or "" when the location is unknown.
std::string called_at(const std::source_location& location);

// Throws ArgumentError "[op] what (called at ...)".
[[noreturn]] void throw_argument(std::string_view op, std::string_view what,
                                 const std::source_location& location);

// Throws InternalError; `what` says which assumption failed.
[[noreturn]] void throw_internal(
    std::string_view what, const std::source_location& location = std::source_location::current());

}  // namespace catena
