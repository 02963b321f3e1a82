// All metrics.
#pragma once

#include "catena/train/classification_metrics.hpp"
#include "catena/train/metric.hpp"
#include "catena/train/ranking_metrics.hpp"
#include "catena/train/regression_metrics.hpp"
