#include "page.hpp"

#include <catena/graph/dtype.hpp>
#include <nlohmann/json.hpp>

namespace catena::tool {
namespace {

using nlohmann::json;

// The page has data, drawing and title put in at the marks.
constexpr std::string_view kPage = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@TITLE@</title>
<style>
  * { box-sizing: border-box; }
  body { margin: 0; height: 100vh; display: flex; font: 14px/1.45 system-ui, sans-serif; color: #222; background: #fff; }
  #drawing { flex: 1; overflow: hidden; cursor: grab; background: #fafafa; position: relative; }
  #drawing.moving { cursor: grabbing; }
  #drawing svg { width: 100%; height: 100%; display: block; user-select: none; }
  #drawing svg > g > polygon:first-of-type { fill: none; }
  .node { cursor: pointer; }
  .node.chosen polygon, .node.chosen ellipse, .node.chosen path { stroke: #d33; stroke-width: 3; }
  #hint { position: absolute; left: 12px; bottom: 8px; color: #888; font-size: 12px; pointer-events: none; }
  #side { width: 430px; min-width: 260px; overflow: auto; border-left: 1px solid #ddd; padding: 14px 16px; }
  h1 { font-size: 18px; margin: 0 0 2px; overflow-wrap: anywhere; }
  h2 { font-size: 13px; margin: 18px 0 4px; color: #555; text-transform: uppercase; letter-spacing: .04em; }
  #about { color: #555; margin: 0 0 10px; }
  #find { width: 100%; padding: 5px 8px; font: inherit; border: 1px solid #bbb; border-radius: 4px; }
  table { border-collapse: collapse; width: 100%; }
  td { padding: 2px 6px 2px 0; vertical-align: top; overflow-wrap: anywhere; }
  td.number { text-align: right; white-space: nowrap; padding-right: 0; font-variant-numeric: tabular-nums; }
  tr { cursor: pointer; }
  tr:hover td, tr.chosen td { background: #eef4ff; }
  .small { color: #777; font-size: 12px; }
  .bar { height: 3px; background: #7aa7e0; border-radius: 2px; margin-top: 1px; }
</style>
</head>
<body>
<div id="drawing">@SVG@<div id="hint">drag to move, wheel to zoom, double click to fit</div></div>
<div id="side">
  <h1>@TITLE@</h1>
  <p id="about"></p>
  <input id="find" type="search" placeholder="Find a name, op or source line" aria-label="Find">
  <div id="tables"></div>
</div>
<script>
const model = @DATA@;
const drawing = document.getElementById("drawing"), svg = drawing.querySelector("svg");
const nodes = new Map([...svg.querySelectorAll("g.node")].map(g => [g.querySelector("title").textContent, g]));
const rows = new Map();

// --- Tables ---
const count = n => n.toLocaleString("en-US");
const bytes = n => n < 1024 ? n + " B" : n < 1048576 ? (n / 1024).toFixed(1) + " KB"
                 : n < 1073741824 ? (n / 1048576).toFixed(1) + " MB" : (n / 1073741824).toFixed(2) + " GB";
const largest = Math.max(1, ...model.parameters.concat(model.constants).map(p => p.bytes));
function cell(tr, text, kind) {
  const td = tr.insertCell();
  td.textContent = text;
  if (kind) td.className = kind;
  return td;
}
function table(title, list) {
  if (list.length === 0) return;
  const head = document.createElement("h2");
  head.textContent = title + " (" + count(list.length) + ")";
  const t = document.createElement("table");
  for (const entry of list) {
    const tr = t.insertRow();
    const name = cell(tr, entry.name);
    const more = document.createElement("div");
    more.className = "small";
    more.textContent = [entry.detail, entry.source].filter(Boolean).join("  ·  ");
    name.append(more);
    if (entry.bytes !== undefined) {
      const size = cell(tr, count(entry.elements), "number");
      const small = document.createElement("div");
      small.className = "small";
      small.textContent = bytes(entry.bytes);
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.style.width = 100 * entry.bytes / largest + "%";
      size.append(small, bar);
    }
    tr.dataset.text = [entry.name, entry.detail, entry.source].join(" ").toLowerCase();
    tr.onclick = () => choose(entry.node, true);
    if (!rows.has(entry.node)) rows.set(entry.node, tr);
  }
  document.getElementById("tables").append(head, t);
}
const sum = (list, key) => list.reduce((total, p) => total + (p.tied ? 0 : p[key]), 0);
document.getElementById("about").textContent =
    count(model.calls.length) + " calls, " + count(sum(model.parameters, "elements")) + " parameters (" +
    bytes(sum(model.parameters, "bytes")) + ")" + (model.axes.length ? ", axes " + model.axes.join(", ") : "");
table("Inputs", model.inputs);
table("Outputs", model.outputs);
table("Parameters", model.parameters);
table("Constants", model.constants);
table("Calls", model.calls);
document.getElementById("find").oninput = event => {
  const wanted = event.target.value.toLowerCase();
  for (const tr of document.querySelectorAll("tr")) tr.hidden = !tr.dataset.text.includes(wanted);
};

// --- The drawing ---
const whole = { ...["x", "y", "width", "height"].reduce((o, k) => ({ ...o, [k]: svg.viewBox.baseVal[k] }), {}) };
let view = { ...whole };
svg.removeAttribute("width");
svg.removeAttribute("height");
const show = () => svg.setAttribute("viewBox", [view.x, view.y, view.width, view.height].join(" "));
function at(event) {
  const p = new DOMPoint(event.clientX, event.clientY);
  return p.matrixTransform(svg.getScreenCTM().inverse());
}
drawing.addEventListener("wheel", event => {
  event.preventDefault();
  const p = at(event), factor = Math.exp(event.deltaY * 0.0015);
  view = { x: p.x + (view.x - p.x) * factor, y: p.y + (view.y - p.y) * factor,
           width: view.width * factor, height: view.height * factor };
  show();
}, { passive: false });
let grip = null, moved = false;
drawing.addEventListener("pointerdown", event => { grip = at(event); moved = false; drawing.classList.add("moving"); });
window.addEventListener("pointermove", event => {
  if (!grip) return;
  const p = at(event);
  if (Math.hypot(p.x - grip.x, p.y - grip.y) > view.width / 400) moved = true;
  view.x += grip.x - p.x;
  view.y += grip.y - p.y;
  show();
});
window.addEventListener("pointerup", () => { grip = null; drawing.classList.remove("moving"); });
drawing.addEventListener("dblclick", () => { view = { ...whole }; show(); });
for (const [name, g] of nodes) g.addEventListener("click", () => { if (!moved) choose(name, false); });

function choose(name, centre) {
  for (const old of document.querySelectorAll(".chosen")) old.classList.remove("chosen");
  const g = nodes.get(name), tr = rows.get(name);
  if (tr) { tr.classList.add("chosen"); tr.scrollIntoView({ block: "nearest" }); }
  if (!g) return;
  g.classList.add("chosen");
  if (!centre) return;
  const box = g.getBoundingClientRect(), frame = drawing.getBoundingClientRect();
  const p = at({ clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 });
  const ratio = frame.height / frame.width, width = Math.min(view.width, whole.width, 900);
  view = { x: p.x - width / 2, y: p.y - width * ratio / 2, width: width, height: width * ratio };
  show();
}
</script>
</body>
</html>
)page";

std::string html_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

// The drawing without what comes before <svg>.
std::string svg_element(const std::string& svg) {
  const std::size_t at = svg.find("<svg");
  return at == std::string::npos ? "<svg></svg>" : svg.substr(at);
}

// Names come from files and may hold anything; in a script "<" could end it.
std::string script_data(const json& data) {
  const std::string text = data.dump(-1, ' ', true, json::error_handler_t::replace);
  std::string out;
  for (const char c : text) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return out;
}

class Describer {
 public:
  explicit Describer(const Graph& graph) : graph_(graph), axes_(graph.axis_names()) {}

  json data() const {
    json all = {{"axes", axes_}};
    for (const char* list : {"inputs", "outputs", "parameters", "constants", "calls"})
      all[list] = json::array();
    for (const Graph::Named& in : graph_.inputs())
      all["inputs"].push_back(entry(in.name, in.value));
    for (const Graph::Named& p : graph_.parameters()) {
      json e = tensor_entry(p);
      if (graph_.name_of(p.value) != p.name) {
        e["tied"] = true;
        e["detail"] = e["detail"].get<std::string>() + ", tied to " + graph_.name_of(p.value);
      }
      all["parameters"].push_back(std::move(e));
    }
    for (const Graph::Named& c : graph_.constants()) all["constants"].push_back(tensor_entry(c));
    for (std::size_t k = 0; k < graph_.nodes().size(); ++k) {
      const Graph::Node& node = graph_.nodes()[k];
      all["calls"].push_back({{"name", graph_.text_of(node)},
                              {"detail", type_of(node.first_output)},
                              {"source", graph_.source_of(node)},
                              {"node", "n" + std::to_string(k)}});
    }
    for (std::size_t k = 0; k < graph_.outputs().size(); ++k) {
      json e = entry(graph_.outputs()[k].name, graph_.outputs()[k].value);
      e["node"] = "o" + std::to_string(k);
      all["outputs"].push_back(std::move(e));
    }
    return all;
  }

 private:
  std::string type_of(Graph::ValueId id) const {
    const Graph::Value& value = graph_.values()[static_cast<std::size_t>(id)];
    if (!value.described) return "";
    return std::string(name_of(value.dtype)) + " " + to_string(value.shape, axes_);
  }
  // The drawing's names of boxes are those of Graph::to_dot.
  json entry(const std::string& name, Graph::ValueId id) const {
    return {{"name", name}, {"detail", type_of(id)}, {"node", "v" + std::to_string(id)}};
  }
  json tensor_entry(const Graph::Named& named) const {
    const Tensor& tensor = graph_.tensor(named.value);
    json e = entry(named.name, named.value);
    e["elements"] = tensor.numel();
    e["bytes"] = tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
    return e;
  }

  const Graph& graph_;
  std::vector<std::string> axes_;
};

}  // namespace

std::string model_page(const Graph& graph, const std::string& title, const std::string& svg) {
  const std::pair<std::string_view, std::string> parts[] = {
      {"@TITLE@", html_escaped(title)},
      {"@SVG@", svg_element(svg)},
      {"@DATA@", script_data(Describer(graph).data())}};
  // In one pass: what is put in is not looked through again.
  std::string page;
  for (std::size_t at = 0; at < kPage.size();) {
    const std::size_t mark = kPage.find('@', at);
    page += kPage.substr(at, mark - at);
    if (mark == std::string_view::npos) break;
    at = mark + 1;
    bool replaced = false;
    for (const auto& [name, text] : parts)
      if (kPage.substr(mark, name.size()) == name) {
        page += text;
        at = mark + name.size();
        replaced = true;
        break;
      }
    if (!replaced) page += '@';
  }
  return page;
}

}  // namespace catena::tool
