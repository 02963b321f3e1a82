#!/bin/sh
# Checks who includes what (docs/architecture.md, "Rooms"); names file, line and the broken rule.
#   tools/check_includes.sh [ROOT]
set -eu
cd "${1:-$(dirname "$0")/..}"

files=$(mktemp)
find graph ops backends nn train serialization tools tests benchmarks examples include \
  -type f \( -name '*.hpp' -o -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) \
  2>/dev/null | sort >"$files"
trap 'rm -f "$files"' EXIT
if ! [ -s "$files" ]; then
  echo "check_includes: no sources in $(pwd)" >&2
  exit 1
fi

# Kernel sources are those built once per instruction set: one per stem of the op list.
stems=$(sed -n 's/^CATENA_\(POINTWISE_\)\{0,1\}OP([^,]*, [^,]*, \([a-z0-9_]*\))$/\2/p' ops/ops.def 2>/dev/null | sort -u)

xargs awk -v stems="$stems" '
  BEGIN {
    # What each room may include of ours, as the folders below catena/.
    may["graph"] = "graph"
    may["ops"] = "graph ops"
    may["nn"] = "graph ops nn"
    may["train"] = "graph ops backends/cpu nn train"
    may["serialization"] = "graph serialization"
    count = split(stems, list)
    for (i = 1; i <= count; ++i) kernel["backends/cpu/" list[i] ".cpp"] = 1
    kernel["backends/cpu/kernel_table.cpp"] = kernel["backends/cpu/kernel.hpp"] = 1
    broken = 0
  }
  function complain(rule) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, rule, $0
    broken = 1
  }
  function contains(words, word,   n, parts, j) {
    n = split(words, parts, " ")
    for (j = 1; j <= n; ++j) if (parts[j] == word) return 1
    return 0
  }
  FNR == 1 {
    split(FILENAME, path, "/")
    room = path[1]
    allowed = may[room]
    # Between the operators of ONNX and our ops: calls their functions, makes a Module.
    if (FILENAME ~ /^serialization\/onnx\//) allowed = "graph ops nn serialization"
    if (room == "backends") allowed = "graph ops backends/" path[2]
    # init() is where ops and backend meet.
    if (FILENAME == "ops/init.cpp") allowed = allowed " backends/cpu"
    library = allowed != ""
    # Installed headers: all of the rooms that do not say otherwise, few of a backend.
    public = FILENAME ~ /\.hpp$/ && (library && room != "backends" || room == "include")
    if (FILENAME == "backends/cpu/parallel.hpp" || FILENAME == "backends/cpu/kernel_table.hpp")
      public = 1
    if (FILENAME == "include/catena/xtensor.hpp") public = 0
  }
  /^\/\/.*Not a public/ { public = 0 }
  /^[ \t]*#[ \t]*include/ {
    if (!match($0, /[<"][^>"]+[>"]/)) next
    quoted = substr($0, RSTART, 1) == "\""
    target = substr($0, RSTART + 1, RLENGTH - 2)
    ours = target ~ /^catena\//
    split(target, part, "/")
    folder = part[2] == "backends" ? part[2] "/" part[3] : part[2]

    if (target ~ /\.\.\// && (library || target ~ /\.\.\/(graph|ops|backends|nn|train|serialization)\//))
      complain("our headers are not included by relative paths")
    if (library && ours && target !~ /^catena\/[a-z_]+\.hpp$/ && !contains(allowed, folder))
      complain(room "/ may include of ours only: " allowed)
    if (library && ours && target ~ /^catena\/[a-z_]+\.hpp$/ && target != "catena/version.hpp" &&
        FILENAME !~ /^include\//)
      complain("the umbrella headers are for users")
    if (library && quoted && !ours && target !~ /\.pb\.h$/)
      complain("our headers are included as \"catena/<room>/<file>\"")
    if (target ~ /(\.pb\.h$|^google\/protobuf\/)/ && room != "serialization" &&
        FILENAME !~ /^tests\/serialization\//)
      complain("protobuf stays in serialization/")
    if (public && target ~ /(^(xtensor|xtensor-blas|xtl|xsimd|google|cuda|fmt|CLI|nlohmann|boost|tbb|oneapi)(\/|_|\.)|\.pb\.h$|^cu(da|blas|dnn)|^(cblas|lapacke|dnnl|xxhash|zlib|png|jpeglib|minizip|nettle)|^dnnl)/)
      complain("public headers include no xtensor, protobuf, CUDA or other library")
    if (FILENAME in kernel &&
        target ~ /^(algorithm|cmath|math\.h|numeric|vector|string|map|set|deque|list|array|functional|memory|unordered_.*|span|iostream|sstream|random|complex|fmt\/.*)$/)
      complain("kernel sources use no std:: code that could become a shared symbol")
    if (room == "backends" && path[2] != "cuda" && target ~ /^cu(da|blas|dnn)/)
      complain("CUDA stays in backends/cuda/")
  }
  END { exit broken }
' <"$files" || exit 1
echo "check_includes: $(wc -l <"$files") files keep the rule"
