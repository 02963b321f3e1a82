// All built-in ops: structs and public functions.
#pragma once

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/device.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/scan.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/softmax.hpp"
#include "catena/ops/statistics.hpp"
