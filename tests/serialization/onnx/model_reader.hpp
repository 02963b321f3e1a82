// Reads ONNX models for tests, byte by byte, without Catena's code: field numbers are those of
// onnx.proto.
#pragma once

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace catena::test {

// A message as a list of fields.
class Message {
 public:
  struct Field {
    int number = 0;
    std::uint64_t value = 0;  // of numbers
    std::string bytes;        // of strings and messages
  };
  explicit Message(const std::string& text) {
    std::size_t at = 0;
    const auto varint = [&] {
      std::uint64_t v = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(text.at(at++));
        v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return v;
      }
    };
    while (at < text.size()) {
      const std::uint64_t key = varint();
      Field f;
      f.number = static_cast<int>(key >> 3);
      const std::uint64_t kind = key & 7;
      if (kind == 0) {
        f.value = varint();
      } else {
        const std::size_t n = kind == 2 ? varint() : kind == 1 ? 8 : 4;
        f.bytes = text.substr(at, n);
        if (f.bytes.size() != n) throw std::runtime_error("a field is cut off");
        at += n;
      }
      fields_.push_back(std::move(f));
    }
  }
  std::vector<std::string> all(int number) const {
    std::vector<std::string> list;
    for (const Field& f : fields_)
      if (f.number == number) list.push_back(f.bytes);
    return list;
  }
  std::string text(int number) const {
    const std::vector<std::string> list = all(number);
    return list.empty() ? "" : list.back();
  }
  Message message(int number) const { return Message(text(number)); }
  std::vector<std::int64_t> numbers(int number) const {
    std::vector<std::int64_t> list;
    for (const Field& f : fields_) {
      if (f.number != number) continue;
      if (f.bytes.empty()) {
        list.push_back(static_cast<std::int64_t>(f.value));
        continue;
      }
      // Packed: read as the values of a field 1.
      std::string unpacked;
      bool start = true;
      for (const char c : f.bytes) {
        if (start) unpacked += '\x08';
        unpacked += c;
        start = static_cast<unsigned char>(c) < 0x80;
      }
      for (const std::int64_t v : Message(unpacked).numbers(1)) list.push_back(v);
    }
    return list;
  }
  std::int64_t number(int field) const {
    const std::vector<std::int64_t> list = numbers(field);
    return list.empty() ? 0 : list.back();
  }

 private:
  std::vector<Field> fields_;
};

struct OnnxFile {
  struct Node {
    std::string type, name, domain, doc;
    std::vector<std::string> inputs, outputs;
    std::map<std::string, Message> attributes;
  };
  struct Initializer {
    std::string name, raw;
    std::vector<std::int64_t> dims;
    std::int64_t dtype = 0;
    std::map<std::string, std::string> external;
  };
  std::int64_t ir_version = 0;
  std::map<std::string, std::int64_t> opsets;
  std::map<std::string, std::string> metadata;
  std::vector<Node> nodes;
  std::vector<Initializer> initializers;
  // "1 [batch, 2]": the number of the dtype, and sizes.
  std::vector<std::pair<std::string, std::string>> inputs, outputs, values;

  explicit OnnxFile(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    const Message model(bytes);
    ir_version = model.number(1);
    for (const std::string& o : model.all(8)) opsets[Message(o).text(1)] = Message(o).number(2);
    for (const std::string& p : model.all(14)) metadata[Message(p).text(1)] = Message(p).text(2);
    const Message graph = model.message(7);
    for (const std::string& n : graph.all(1)) {
      const Message m(n);
      Node node{m.text(4), m.text(3), m.text(7), m.text(6), m.all(1), m.all(2), {}};
      for (const std::string& a : m.all(5)) node.attributes.emplace(Message(a).text(1), Message(a));
      nodes.push_back(std::move(node));
    }
    for (const std::string& t : graph.all(5)) {
      const Message m(t);
      Initializer init{m.text(8), m.text(9), m.numbers(1), m.number(2), {}};
      for (const std::string& e : m.all(13)) init.external[Message(e).text(1)] = Message(e).text(2);
      initializers.push_back(std::move(init));
    }
    for (const std::string& v : graph.all(11)) inputs.push_back(described(v));
    for (const std::string& v : graph.all(12)) outputs.push_back(described(v));
    for (const std::string& v : graph.all(13)) values.push_back(described(v));
  }

  std::vector<std::string> types() const {
    std::vector<std::string> list;
    for (const Node& n : nodes) list.push_back(n.type);
    return list;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const Initializer& i : initializers) list.push_back(i.name);
    return list;
  }

 private:
  static std::pair<std::string, std::string> described(const std::string& info) {
    const Message m(info), type = m.message(2).message(1);
    std::string text = std::to_string(type.number(1)) + " [";
    bool first = true;
    for (const std::string& d : type.message(2).all(1)) {
      const Message dim(d);
      if (!first) text += ", ";
      first = false;
      text += !dim.text(2).empty()      ? dim.text(2)
              : !dim.numbers(1).empty() ? std::to_string(dim.number(1))
                                        : "?";
    }
    return {m.text(1), text + "]"};
  }
};

}  // namespace catena::test
