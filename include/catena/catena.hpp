// Everything of the core: tensors, autograd, ops, layers, training.
#pragma once

#include "catena/graph/autograd.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/memory.hpp"
#include "catena/graph/random.hpp"
#include "catena/graph/registry.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/ops/all.hpp"
#include "catena/version.hpp"
