// ONNX models for tests, written field by field: hostile ones too, which no library would write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "message_builder.hpp"

namespace catena::test {

inline std::string integer_attribute(const std::string& name, std::int64_t value) {
  return Message().bytes(1, name).number(3, static_cast<std::uint64_t>(value)).number(20, 2);
}
inline std::string real_attribute(const std::string& name, float value) {
  return Message().bytes(1, name).real(2, value).number(20, 1);
}
inline std::string integers_attribute(const std::string& name,
                                      const std::vector<std::int64_t>& values) {
  Message m;
  m.bytes(1, name);
  for (const std::int64_t v : values) m.number(8, static_cast<std::uint64_t>(v));
  return m.number(20, 7);
}
inline std::string graph_attribute(const std::string& name, const std::string& graph) {
  return Message().bytes(1, name).bytes(6, graph).number(20, 5);
}

inline std::string node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        const std::vector<std::string>& attributes = {},
                        const std::string& domain = "") {
  Message m;
  for (const std::string& name : inputs) m.bytes(1, name);
  for (const std::string& name : outputs) m.bytes(2, name);
  m.bytes(3, type + "_node").bytes(4, type);
  for (const std::string& a : attributes) m.bytes(5, a);
  if (!domain.empty()) m.bytes(7, domain);
  return m;
}

// float32 unless told; `sizes` below 0 are the axis "n".
inline std::string value(const std::string& name, const std::vector<std::int64_t>& sizes,
                         int code = 1) {
  Message shape;
  for (const std::int64_t size : sizes)
    shape.bytes(1, size < 0 ? Message().bytes(2, "n")
                            : Message().number(1, static_cast<std::uint64_t>(size)));
  const Message tensor =
      Message().number(1, static_cast<std::uint64_t>(code)).bytes(2, shape.bytes());
  return Message().bytes(1, name).bytes(2, Message().bytes(1, tensor.bytes()).bytes());
}

template <class T>
std::string tensor(const std::string& name, const std::vector<std::int64_t>& sizes, int code,
                   const std::vector<T>& values) {
  Message m;
  for (const std::int64_t size : sizes) m.number(1, static_cast<std::uint64_t>(size));
  return m.number(2, static_cast<std::uint64_t>(code))
      .bytes(8, name)
      .bytes(9,
             std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)));
}
inline std::string floats(const std::string& name, const std::vector<std::int64_t>& sizes,
                          const std::vector<float>& values) {
  return tensor(name, sizes, 1, values);
}
inline std::string integers(const std::string& name, const std::vector<std::int64_t>& values) {
  return tensor(name, {static_cast<std::int64_t>(values.size())}, 7, values);
}

struct GraphParts {
  std::vector<std::string> nodes, initializers, inputs, outputs;
};
inline std::string graph(const GraphParts& parts) {
  Message m;
  for (const std::string& n : parts.nodes) m.bytes(1, n);
  m.bytes(2, "test");
  for (const std::string& i : parts.initializers) m.bytes(5, i);
  for (const std::string& i : parts.inputs) m.bytes(11, i);
  for (const std::string& o : parts.outputs) m.bytes(12, o);
  return m;
}
inline std::string model(const GraphParts& parts, int opset = 17,
                         const std::vector<std::string>& functions = {}) {
  Message m;
  m.number(1, 8).bytes(2, "tests").bytes(7, graph(parts));
  m.bytes(8, Message().number(2, static_cast<std::uint64_t>(opset)).bytes());
  m.bytes(8, Message().bytes(1, "own").number(2, 1).bytes());
  for (const std::string& f : functions) m.bytes(25, f);
  return m;
}

}  // namespace catena::test
