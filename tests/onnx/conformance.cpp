// ONNX's own test models, as Debian's libonnx-testdata brings them: each is loaded, run and
// compared with its outputs, then traced, saved natively, loaded and compared again, then exported
// as an ONNX model, imported and compared once more.
//   onnx_conformance DATA EXCLUSIONS [--filter TEXT] [--docs FILE | --check-docs FILE]
// EXCLUSIONS has a case and the reason why it cannot pass per line; one that passes all the same is
// an error, so that the list stays true. --docs writes the counts into FILE between its marks,
// --check-docs compares them. Without DATA the program returns 77: skipped.
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/serialization/tensor_proto.hpp"

namespace fs = std::filesystem;
using namespace catena;

namespace {

const char* const kSuites[] = {"node", "simple", "pytorch-converted", "pytorch-operator"};
// Fewer passed cases than these mean that something is broken, not that little was there to test.
const std::map<std::string, int> kLeast = {
    {"node", 826}, {"simple", 7}, {"pytorch-converted", 82}, {"pytorch-operator", 35}};

struct Exclusion {
  std::string kind, reason;
};
struct Outcome {
  bool passed = false;
  std::string why;  // it did not
  std::vector<std::string> operators;
};

std::map<std::string, Exclusion> read_exclusions(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw SystemError(path + " cannot be read");
  std::map<std::string, Exclusion> list;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, kind, reason;
    words >> name >> kind;
    std::getline(words >> std::ws, reason);
    if (kind.empty() || reason.empty()) throw SystemError(path + ": no reason in: " + line);
    if (!list.emplace(name, Exclusion{kind, reason}).second)
      throw SystemError(path + ": twice: " + name);
  }
  return list;
}

std::vector<Tensor> read_arrays(const fs::path& folder, const std::string& stem) {
  std::vector<Tensor> arrays;
  for (int i = 0;; ++i) {
    const fs::path path = folder / (stem + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(path)) return arrays;
    arrays.push_back(load_tensor_proto(path));
  }
}

std::string described(const Tensor& t) {
  return std::string(name_of(t.dtype())) + " " + to_string(t.shape());
}

// Empty when they agree within the suite's own tolerances, else what differs.
std::string difference(const std::vector<Tensor>& found, const std::vector<Tensor>& wanted,
                       double rtol, double atol) {
  if (found.size() < wanted.size()) return "too few outputs";
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    const Tensor &a = found[k], &b = wanted[k];
    if (a.dtype() != b.dtype() || !(a.shape() == b.shape()))
      return "output " + std::to_string(k) + " is " + described(a) + "; expected " + described(b);
    const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i])) ||
          std::abs(x[i] - y[i]) <= atol + rtol * std::abs(y[i]))
        continue;
      return "output " + std::to_string(k) + ", element " + std::to_string(i) + " is " +
             std::to_string(x[i]) + "; expected " + std::to_string(y[i]);
    }
  }
  return "";
}

// The graph exported as an ONNX model and imported again.
std::string exported(const Graph& graph, const std::vector<Tensor>& inputs,
                     const std::vector<Tensor>& outputs, const std::string& file) {
  OnnxOptions options;
  options.opset = 18;
  options.sync = false;
  save_onnx(graph, file, options);
  const std::string different = difference(load_onnx(file).forward(inputs), outputs, 1e-5, 1e-6);
  return different.empty() ? "" : "exported and imported: " + different;
}

// The model as a graph, in which the inputs that it reads on the host (shapes, axes) are fixed:
// none, then those of integers, then all but the first, then all.
std::string round_trip(const std::string& path, const std::vector<Tensor>& inputs,
                       const std::vector<Tensor>& outputs, const std::string& file) {
  std::string why;
  for (int attempt = 0; attempt < 4; ++attempt) {
    const std::vector<OnnxValue> names = [&] {
      const OnnxModel model = load_onnx(path);
      return std::vector<OnnxValue>(model.inputs().begin(), model.inputs().end());
    }();
    std::vector<Tensor> given;
    OnnxLoadOptions loading;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool whole = !is_floating(inputs[i].dtype()) || inputs[i].rank() == 0;
      if (attempt == 3 || (attempt == 2 && i > 0) || (attempt == 1 && whole))
        loading.fixed_inputs.push_back({names[i].name, inputs[i]});
      else
        given.push_back(inputs[i]);
    }
    try {
      OnnxModel model = load_onnx(path, loading);
      SaveOptions saving;
      saving.sync = false;
      save(file, model.to_graph(given), saving);
    } catch (const ArgumentError& e) {
      if (why.empty()) why = e.what();
      continue;
    }
    const Graph graph = load_graph(file);
    const std::string native = difference(graph.run(given), outputs, 0, 0);
    if (!native.empty()) return "as a native file: " + native;
    return exported(graph, given, outputs, file + ".onnx");
  }
  return "as a native file: no graph: " + why;
}

Outcome run_case(const fs::path& folder, const std::string& temporary) {
  Outcome outcome;
  try {
    OnnxModel model = load_onnx(folder / "model.onnx");
    for (const auto& [name, count] : model.info().op_counts) outcome.operators.push_back(name);
    const NoGrad no_grad;
    bool any = false;
    for (int set = 0;; ++set) {
      const fs::path data = folder / ("test_data_set_" + std::to_string(set));
      if (!fs::exists(data)) break;
      const std::vector<Tensor> inputs = read_arrays(data, "input");
      const std::vector<Tensor> wanted = read_arrays(data, "output");
      const std::vector<Tensor> found = model.forward(inputs);
      outcome.why = difference(found, wanted, 1e-3, 1e-7);
      if (!outcome.why.empty()) return outcome;
      any = any || !wanted.empty();
      if (set > 0) continue;
      outcome.why = round_trip(folder / "model.onnx", inputs, found, temporary);
      if (!outcome.why.empty()) return outcome;
    }
    outcome.passed = any;
    if (!any) outcome.why = "it has no outputs to compare with";
  } catch (const std::exception& e) {
    outcome.why = e.what();
  }
  return outcome;
}

struct Report {
  std::map<std::string, int> cases, passed, beyond;  // by suite; beyond: of kind "tier-d"
  std::map<std::string, std::map<std::string, int>> by_operator;  // operator, suite
  std::map<std::string, std::vector<std::string>> excluded;       // by reason
  std::vector<std::string> problems;
};

std::string markdown(const Report& r) {
  std::ostringstream out;
  out << "| suite | cases | passed | excluded |\n|---|---|---|---|\n";
  for (const char* suite : kSuites)
    out << "| " << suite << " | " << r.cases.at(suite) << " | " << r.passed.at(suite) << " | "
        << r.cases.at(suite) - r.passed.at(suite) << " |\n";
  out << "\nPassed cases by operator (a case counts for each of its operators):\n\n"
      << "| operator | node | others |\n|---|---|---|\n";
  for (const auto& [name, counts] : r.by_operator) {
    int node = 0, others = 0;
    for (const auto& [suite, count] : counts) (suite == "node" ? node : others) += count;
    out << "| " << name << " | " << node << " | " << others << " |\n";
  }
  out << "\nExcluded cases by reason:\n\n| cases | reason |\n|---|---|\n";
  for (const auto& [reason, names] : r.excluded)
    out << "| " << names.size() << " | " << reason << " |\n";
  return out.str();
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// The text of `path` with what is between the marks replaced.
std::string with_tables(const std::string& path, const std::string& tables) {
  const std::string begin = "<!-- conformance: begin -->\n", end = "<!-- conformance: end -->";
  const std::string text = read_file(path);
  const std::size_t from = text.find(begin), to = text.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from)
    throw SystemError(path + ": the marks of the tables are missing");
  return text.substr(0, from + begin.size()) + tables + text.substr(to);
}

int run(int argc, char** argv) {
  const std::string data = argv[1], exclusions_path = argv[2];
  std::string filter, docs, check;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    (option == "--filter" ? filter : option == "--docs" ? docs : check) = argv[i + 1];
  }
  if (!fs::exists(data)) {
    std::printf("onnx_conformance: skipped: there is no %s (package libonnx-testdata)\n",
                data.c_str());
    return 77;
  }
  std::map<std::string, Exclusion> exclusions = read_exclusions(exclusions_path);
  const std::string temporary =
      fs::temp_directory_path() / ("onnx_conformance_" + std::to_string(::getpid()) + ".catena");
  Report r;
  for (const char* suite : kSuites) {
    r.cases[suite] = r.passed[suite] = r.beyond[suite] = 0;
    std::set<fs::path> folders;
    for (const auto& entry : fs::directory_iterator(fs::path(data) / suite))
      if (fs::exists(entry.path() / "model.onnx")) folders.insert(entry.path());
    for (const fs::path& folder : folders) {
      const std::string name = std::string(suite) + "/" + folder.filename().string();
      if (name.find(filter) == std::string::npos) continue;
      const Outcome outcome = run_case(folder, temporary);
      ++r.cases[suite];
      const auto excluded = exclusions.find(name);
      if (outcome.passed) {
        ++r.passed[suite];
        for (const std::string& op : outcome.operators) ++r.by_operator[op][suite];
        if (excluded != exclusions.end())
          r.problems.push_back(name + " passes but is excluded: take it off the list");
      } else if (excluded == exclusions.end()) {
        r.problems.push_back(name + ": " + outcome.why);
      } else {
        r.excluded[excluded->second.reason].push_back(name);
        if (excluded->second.kind == "tier-d") ++r.beyond[suite];
      }
      if (excluded != exclusions.end()) exclusions.erase(excluded);
    }
  }
  fs::remove(temporary);
  fs::remove(temporary + ".onnx");
  if (filter.empty()) {
    for (const auto& [name, exclusion] : exclusions)
      r.problems.push_back(name + " is excluded but is no case");
    for (const auto& [suite, least] : kLeast)
      if (r.passed[suite] < least)
        r.problems.push_back(suite + ": only " + std::to_string(r.passed[suite]) + " passed of " +
                             std::to_string(least) + " that must");
    if (r.passed["node"] < 0.95 * (r.cases["node"] - r.beyond["node"]))
      r.problems.push_back("node: below 95 % of the cases with supported operators");
  }
  for (const char* suite : kSuites)
    std::printf("%s: %d of %d passed, %d beyond what is supported\n", suite, r.passed[suite],
                r.cases[suite], r.beyond[suite]);
  if (!docs.empty()) {
    const std::string text = with_tables(docs, markdown(r));
    std::ofstream(docs, std::ios::binary | std::ios::trunc) << text;
  }
  if (!check.empty() && read_file(check) != with_tables(check, markdown(r)))
    r.problems.push_back(check + " is not current; write it anew with --docs");
  for (const std::string& problem : r.problems) std::printf("FAILED %s\n", problem.c_str());
  return r.problems.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: onnx_conformance DATA EXCLUSIONS [options]\n");
    return 2;
  }
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "onnx_conformance: %s\n", e.what());
    return 1;
  }
}
