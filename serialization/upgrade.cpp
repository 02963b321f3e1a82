#include "catena/serialization/upgrade.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace catena {
namespace {

struct Upgrades {
  std::mutex mutex;
  std::map<std::pair<std::string, std::uint32_t>, AttrUpgrade> functions;
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
