// catena check: reads a model and all its data without running it.
#include <memory>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/archive.hpp>
#include <catena/serialization/describe.hpp>

#include "command.hpp"
#include "models.hpp"

namespace catena::tool {

void add_check(CLI::App& app, Action* action) {
  auto model = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand(
      "check", "Validate a model file without running it: structure, shapes, checksums");
  sub->add_option("MODEL", *model, "A .catena file")->required();
  sub->callback([model, action] {
    *action = [model] {
      check_model_format(*model);
      const FileInfo info = read_info(*model);
      load_archive(*model);
      fmt::print("{}: ok ({}, {} calls, {} tensors, {} bytes)\n", *model, info.kind, info.num_nodes,
                 info.tensors.size(), info.bytes);
    };
  });
}

}  // namespace catena::tool
