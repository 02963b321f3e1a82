// Old files stay readable: what an op's attributes were in an earlier version becomes what they are
// now.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "catena/graph/attribute.hpp"

namespace catena {

// Rewrites the attributes of one call, given as its version had them, into those of the next.
using AttrUpgrade = std::function<void(AttrList& attrs)>;

// For calls of `op` saved at `version`. An op whose kVersion is n needs one for each earlier
// version. Registering a version again replaces its function.
void register_upgrade(const std::string& op, std::uint32_t version, AttrUpgrade upgrade);

namespace detail {
// Runs the upgrades from `version` to `wanted`; false when one is missing.
bool upgrade_attrs(const std::string& op, std::uint32_t version, std::uint32_t wanted,
                   AttrList* attrs);
}  // namespace detail

}  // namespace catena
