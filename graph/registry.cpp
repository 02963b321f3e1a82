#include "catena/graph/registry.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <mutex>
#include <numeric>
#include <shared_mutex>
#include <utility>

#include <fmt/format.h>

#include "catena/graph/core_ops.hpp"

namespace catena {
namespace {

struct Registry {
  std::shared_mutex mutex;
  std::map<std::string, std::unique_ptr<OpInfo>, std::less<>> ops;
};
Registry& registry() {
  static Registry* r = new Registry;
  return *r;
}

// Edits (insert, delete, replace, swap of neighbours) that turn a into b.
int edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<int>> d(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = static_cast<int>(i + j);
        continue;
      }
      d[i][j] =
          std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

// Names are compared without case and '_': "ReLU" is "relu".
std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c != '_') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Edits; a name that holds the other, or begins with it where that is short, is two away at most.
int name_distance(const std::string& a, const std::string& b) {
  const bool a_shorter = a.size() < b.size();
  const std::string &part = a_shorter ? a : b, &whole = a_shorter ? b : a;
  const bool holds = part.size() < 3 ? part.size() == 2 && whole.starts_with(part)
                                     : whole.find(part) != std::string::npos;
  const int edits = edit_distance(a, b);
  return holds ? std::min(edits, 2) : edits;
}

// Well-known names of Keras, scikit-learn and PyTorch, and ours.
constexpr std::pair<std::string_view, std::string_view> kCalledElsewhere[] = {
    {"binary_crossentropy", "bce_loss"},
    {"l1_loss", "mae_loss"},
    {"learning_rate", "lr"},
    {"mean_absolute_error", "mae"},
    {"mean_absolute_error", "mae_loss"},
    {"mean_squared_error", "mse"},
    {"mean_squared_error", "mse_loss"},
    {"pr_auc", "average_precision"},
    {"root_mean_squared_error", "rmse"},
    {"swish", "silu"}};

}  // namespace

const OpInfo* find_op(std::string_view name) {
  init();
  std::shared_lock lock(registry().mutex);
  auto it = registry().ops.find(name);
  return it == registry().ops.end() ? nullptr : it->second.get();
}

const OpInfo& get_op(std::string_view name) {
  if (const OpInfo* op = find_op(name)) return *op;
  std::vector<std::string> names;
  for (const OpInfo* op : all_ops()) names.emplace_back(op->name);
  throw UnsupportedError(
      fmt::format("[registry] there is no op '{}'{}; expected a name that `catena ops` lists, or "
                  "one given to register_op first",
                  name, detail::near_names(name, names)));
}

std::vector<const OpInfo*> all_ops() {
  init();
  std::shared_lock lock(registry().mutex);
  std::vector<const OpInfo*> list;
  for (const auto& [name, op] : registry().ops) list.push_back(op.get());
  return list;
}

namespace detail {

const OpInfo& register_info(OpInfo info) {
  if (!info.built_in) init();
  std::unique_lock lock(registry().mutex);
  auto& slot = registry().ops[info.name];
  if (slot) {
    const bool same = slot->version == info.version && slot->attrs_size == info.attrs_size &&
                      slot->attrs.size() == info.attrs.size() && slot->kind == info.kind &&
                      !slot->built_in;
    if (!same)
      throw ArgumentError(fmt::format(
          "[registry] the name '{}' is taken by {}; expected a new name; rename your op", info.name,
          slot->built_in ? "a built-in op" : "another op"));
    return *slot;
  }
  slot = std::make_unique<OpInfo>(std::move(info));
  return *slot;
}

OpInfo& mutable_op(std::string_view name) {
  init();
  std::unique_lock lock(registry().mutex);
  auto it = registry().ops.find(name);
  if (it == registry().ops.end())
    throw ArgumentError(fmt::format(
        "[registry] there is no op '{}' to give a kernel to; call register_op first", name));
  return *it->second;
}

std::string near_names(std::string_view word, std::span<const std::string> candidates) {
  const std::string wanted = plain(word);
  std::vector<std::pair<int, std::string>> near;
  for (const std::string& c : candidates) {
    const std::pair<std::string_view, std::string_view> known(word, c);
    const int distance = std::ranges::find(kCalledElsewhere, known) != std::end(kCalledElsewhere)
                             ? 0
                             : name_distance(wanted, plain(c));
    if (distance <= std::max<int>(2, static_cast<int>(wanted.size()) / 3))
      near.emplace_back(distance, c);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > 3) near.resize(3);
  // Beside the same name the others are none.
  if (!near.empty() && near.front().first == 0)
    std::erase_if(near, [](const auto& n) { return n.first > 0; });
  std::string s;
  for (const auto& [distance, name] : near)
    s += fmt::format("{}'{}'", s.empty() ? "; did you mean " : " or ", name);
  return s;
}

constinit CoreOps core_ops_table;

}  // namespace detail
}  // namespace catena
