#!/bin/sh
# Writes docs/ops.md from the built command.
set -eu
cd "$(dirname "$0")/.."
{
  echo "# Ops"
  echo
  echo "Made by \`tools/update_docs.sh\`; a test compares it with the op list. \`catena ops NAME\` tells"
  echo "more of one op. Columns: inputs (a name with \`...\` stands for one or more), attributes with"
  echo "their defaults, dtypes of the CPU kernel, gradient (\`fused\`: a kernel of its own beside the"
  echo "composition of ops that gives any order), and the ONNX operator, or its expansion in"
  echo "parentheses."
  echo
  build/bin/catena ops --markdown
} >docs/ops.md
