// What a model, an optimizer or a whole training consists of, as ordered names with values: the
// form in which they are saved and loaded.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/attribute.hpp"
#include "catena/graph/tensor.hpp"

namespace catena {

using NamedTensor = std::pair<std::string, Tensor>;

// Names are dotted paths ("model.fc1.weight"), each used once per list. Tensors are handles of the
// live ones; clone() takes a snapshot.
struct State {
  std::vector<NamedTensor> tensors;
  AttrList values;

  void add(std::string name, Tensor tensor) {
    tensors.emplace_back(std::move(name), std::move(tensor));
  }
  void add_value(std::string name, AttrValue value) {
    values.push_back({std::move(name), std::move(value)});
  }
  // Everything of `other`, each name prefixed with "prefix.".
  void add_part(std::string_view prefix, const State& other);
  // What add_part("prefix", ...) put in; names without the prefix.
  State part(std::string_view prefix) const;

  // Null when there is no such name.
  const Tensor* find_tensor(std::string_view name) const;
  const AttrValue* find_value(std::string_view name) const;
  // The value as T (a type of AttrValue); throws ArgumentError when it is missing or of another
  // type.
  template <class T>
  T get(std::string_view name, std::source_location loc = std::source_location::current()) const {
    const AttrValue& value = at(name, loc);
    if (const T* typed = std::get_if<T>(&value)) return *typed;
    wrong_type(name, value, attr_type_name(AttrValue(T{})), loc);
  }

  // The same with all tensors copied, independent of later changes; what is one tensor stays one.
  State clone() const;

 private:
  const AttrValue& at(std::string_view name, const std::source_location& loc) const;
  [[noreturn]] static void wrong_type(std::string_view name, const AttrValue& value,
                                      const char* expected, const std::source_location& loc);
};

}  // namespace catena
