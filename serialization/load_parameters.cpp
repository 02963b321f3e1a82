// Weights from files into the tensors of a model.
#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/npz.hpp"
#include "catena/serialization/safetensors.hpp"
#include "catena/serialization/save_load.hpp"

namespace catena {
namespace {

std::string described(const Tensor& t) {
  return fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape()));
}

// By the first bytes: a zip archive, the length of a header and "{", or one of our own.
std::vector<NamedTensor> read_any(const std::string& path, const LoadOptions& options) {
  std::array<char, 9> head{};
  {
    const detail::InputFile file(path);
    file.read_at(0, head.data(), std::min<std::uint64_t>(head.size(), file.size()));
  }
  if (std::memcmp(head.data(), "PK", 2) == 0) return load_npz(path, options);
  if (head[8] == '{' && head[0] != '\x89') return load_safetensors(path, options);
  return load_tensors(path, options);
}

// The new name, or nothing when the rule does not speak of it.
std::optional<std::string> renamed(const std::string& name, const std::string& from,
                                   const std::string& to) {
  if (name == from) return to;
  if (from.starts_with('*')) {
    const std::string end = from.substr(1);
    if (!name.ends_with(end)) return std::nullopt;
    return to.empty() ? "" : name.substr(0, name.size() - end.size()) + to.substr(to[0] == '*');
  }
  if (from.ends_with('.') && name.starts_with(from)) return to + name.substr(from.size());
  return std::nullopt;
}

// The tensors under their new names, those left out not among them.
std::vector<NamedTensor> with_new_names(std::vector<NamedTensor> tensors, const std::string& path,
                                        const ParameterOptions& options) {
  std::vector<bool> matched(options.rename.size());
  std::unordered_map<std::string, std::string> first;
  std::vector<std::string> all_names;
  std::vector<NamedTensor> result;
  for (auto& [name, tensor] : tensors) {
    all_names.push_back(name);
    std::string own = name;
    for (std::size_t i = 0; i < options.rename.size(); ++i) {
      const auto next = renamed(name, options.rename[i].first, options.rename[i].second);
      if (!next) continue;
      matched[i] = true;
      own = *next;
      break;
    }
    if (own.empty()) continue;
    const auto [it, is_new] = first.emplace(own, name);
    if (!is_new)
      throw ArgumentError(
          fmt::format("[load] '{}': '{}' and '{}' would both be '{}'; expected names that differ",
                      path, it->second, name, own));
    result.emplace_back(std::move(own), std::move(tensor));
  }
  for (std::size_t i = 0; i < matched.size(); ++i)
    if (!matched[i])
      throw ArgumentError(fmt::format(
          "[load] '{}': no tensor is named '{}', which is to be renamed{}", path,
          options.rename[i].first, detail::near_names(options.rename[i].first, all_names)));
  return result;
}

}  // namespace

ParameterReport load_parameters(std::span<const NamedTensor> parameters, const std::string& path,
                                const ParameterOptions& options) {
  std::unordered_map<std::string, Tensor> found;
  std::vector<std::string> order;
  for (auto& [name, tensor] : with_new_names(read_any(path, options.load), path, options)) {
    order.push_back(name);
    found.emplace(name, tensor);
  }
  ParameterReport report;
  std::unordered_set<std::string> asked;
  std::vector<std::pair<Tensor, Tensor>> copies;
  for (const auto& [name, tensor] : parameters) {
    asked.insert(name);
    const auto it = found.find(name);
    if (it == found.end()) {
      report.missing.push_back(name);
    } else if (it->second.shape() != tensor.shape() ||
               (it->second.dtype() != tensor.dtype() && !options.convert)) {
      report.mismatched.push_back(fmt::format("{}: {} in the file, expected {}", name,
                                              described(it->second), described(tensor)));
    } else {
      copies.emplace_back(tensor, it->second);
    }
  }
  for (const std::string& name : order)
    if (!asked.contains(name)) report.unexpected.push_back(name);
  if (options.strict && !report.complete()) {
    std::string what;
    const auto add = [&](const char* kind, const std::vector<std::string>& names) {
      if (!names.empty())
        what += fmt::format("{}{}: {}", what.empty() ? "" : "; ", kind, fmt::join(names, ", "));
    };
    add("missing in the file", report.missing);
    add("unexpected in the file", report.unexpected);
    add("mismatched", report.mismatched);
    throw ArgumentError(fmt::format(
        "[load] '{}' does not fit the parameters: {}; nothing was changed; load with strict = "
        "false to take what fits",
        path, what));
  }
  const NoGrad no_grad;
  for (auto& [to, from] : copies) to.copy_(from.to(to.dtype()));
  return report;
}

ParameterReport load_parameters(std::span<const NamedTensor> parameters, const std::string& path,
                                bool strict, const LoadOptions& options) {
  ParameterOptions all;
  all.strict = strict;
  all.load = options;
  return load_parameters(parameters, path, all);
}

}  // namespace catena
