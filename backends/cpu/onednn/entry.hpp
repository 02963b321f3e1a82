// Shared by the sources of libcatena_onednn.so. Not a public header.
#pragma once

#include <omp.h>

#include "catena/backends/cpu/onednn_api.hpp"

namespace catena::cpu {

// While one lives, oneDNN's OpenMP runs one thread per call: our own pool shares out the work, and
// libgomp's barriers cost milliseconds when a core is busy.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

void fill_convolution(OneDnnApi& api);

}  // namespace catena::cpu
