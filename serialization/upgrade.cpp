#include "catena/serialization/upgrade.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace catena {
namespace {

using Functions = std::map<std::pair<std::string, std::uint32_t>, AttrUpgrade>;

// Of the built-in ops. The names are those in files, whatever the ops are called today.
Functions built_in() {
  return {
      {{"cross_entropy", 1},
       [](AttrList& attrs) {
         attrs.push_back({"ignore_index", std::int64_t{-100}});
         attrs.push_back({"label_smoothing", 0.0});
       }},
      {{"bce_with_logits", 1}, [](AttrList&) {}},  // only more inputs
  };
}

struct Upgrades {
  std::mutex mutex;
  Functions functions = built_in();
};

Upgrades& upgrades() {
  static Upgrades instance;
  return instance;
}

}  // namespace

void register_upgrade(const std::string& op, std::uint32_t version, AttrUpgrade upgrade) {
  const std::lock_guard lock(upgrades().mutex);
  upgrades().functions[{op, version}] = std::move(upgrade);
}

bool detail::upgrade_attrs(const std::string& op, std::uint32_t version, std::uint32_t wanted,
                           AttrList* attrs) {
  for (; version < wanted; ++version) {
    AttrUpgrade upgrade;
    {
      const std::lock_guard lock(upgrades().mutex);
      const auto it = upgrades().functions.find({op, version});
      if (it == upgrades().functions.end()) return false;
      upgrade = it->second;
    }
    upgrade(*attrs);
  }
  return true;
}

}  // namespace catena
