// What may be the first thing that a process does, each in a process of its own: nothing has called
// init() for it.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <sstream>
#include <string>

#include "catena/catena.hpp"

namespace catena {
namespace {

std::string text_of(const Tensor& t) {
  std::ostringstream out;
  out << t;
  return out.str();
}
bool equals(const Tensor& t, std::initializer_list<float> values) {
  const float* p = t.data<float>();
  return t.numel() == static_cast<std::int64_t>(values.size()) &&
         std::equal(values.begin(), values.end(), p);
}
Tensor values() { return tensor({1.0f, 2.0f}); }
Tensor integers() { return tensor({3, 4}, kInt32); }

struct Case {
  const char* name;
  bool (*holds)();
};
const Case kCases[] = {
    {"print", [] { return text_of(values()).find('2') != std::string::npos; }},
    {"item", [] { return tensor(2.5).item<double>() == 2.5; }},
    {"fill_",
     [] {
       return equals(values().fill_(7), {7, 7});
     }},
    {"zero_",
     [] {
       return equals(values().zero_(), {0, 0});
     }},
    {"mul_",
     [] {
       return equals(values().mul_(2), {2, 4});
     }},
    {"add_",
     [] {
       return equals(values().add_(values()), {2, 4});
     }},
    {"add_ of another dtype",
     [] {
       return equals(values().add_(integers(), 0.5), {2.5, 4});
     }},
    {"copy_",
     [] {
       return equals(values().copy_(values().slice({Slice(1, 2)})), {2, 2});
     }},
    {"copy_ of another dtype",
     [] {
       return equals(values().copy_(integers()), {3, 4});
     }},
    {"clone of a view", [] { return equals(values().slice({Slice(1, 2)}).clone(), {2}); }},
    {"to a dtype",
     [] {
       return equals(integers().to(kFloat32), {3, 4});
     }},
    {"an op",
     [] {
       return equals(values() + values(), {2, 4});
     }},
    {"an op by name",
     [] {
       return equals(call("add", {values(), values()})[0], {2, 4});
     }},
    {"random numbers", [] { return rand({3}).numel() == 3; }},
    {"backward of a leaf",
     [] {
       Tensor x = tensor(2.0f);
       x.set_requires_grad(true);
       x.backward();
       x.backward();
       return x.grad().item<float>() == 2;
     }},
    {"a list of the ops", [] { return all_ops().size() > 100; }},
    {"a device that is there", [] { return is_available(Device(DeviceType::kCpu)); }},
};

bool holds_in_a_process(const Case& c) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool held = false;
    try {
      held = c.holds();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "%s: %s\n", c.name, e.what());
    }
    ::_exit(held ? 0 : 1);
  }
  int status = -1;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace
}  // namespace catena

int main() {
  int failed = 0;
  for (const auto& c : catena::kCases) {
    if (catena::holds_in_a_process(c)) continue;
    std::fprintf(stderr, "as the first call of a process: %s fails\n", c.name);
    ++failed;
  }
  return failed != 0;
}
