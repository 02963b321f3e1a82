// Protobuf messages for tests, written field by field: such too as no library would write.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

namespace catena::test {

class Message {
 public:
  Message& number(int field, std::uint64_t value) {
    varint(static_cast<std::uint64_t>(field) << 3);
    varint(value);
    return *this;
  }
  Message& zigzag(int field, std::int64_t value) {
    return number(
        field, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  Message& fixed(int field, std::uint64_t value) { return raw(field, 1, &value, sizeof value); }
  Message& real(int field, float value) { return raw(field, 5, &value, sizeof value); }
  Message& bytes(int field, const std::string& value) {
    varint(static_cast<std::uint64_t>(field) << 3 | 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& part(int field, const Message& message) { return bytes(field, message.bytes_); }

  const std::string& bytes() const { return bytes_; }
  operator const std::string&() const { return bytes_; }  // NOLINT: a message is a field's bytes

 private:
  Message& raw(int field, std::uint64_t type, const void* value, std::size_t size) {
    varint(static_cast<std::uint64_t>(field) << 3 | type);
    bytes_.append(static_cast<const char*>(value), size);
    return *this;
  }
  void varint(std::uint64_t v) {
    for (; v >= 0x80; v >>= 7) bytes_ += static_cast<char>(v | 0x80);
    bytes_ += static_cast<char>(v);
  }
  std::string bytes_;
};

}  // namespace catena::test
