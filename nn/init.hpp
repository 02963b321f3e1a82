// Initial values of parameters, written in place without being recorded. Each returns the tensor.
// Random numbers come from the process generator (manual_seed) and are drawn on the CPU.
#pragma once

#include <source_location>
#include <string_view>

#include "catena/graph/tensor.hpp"

namespace catena::nn::init {

Tensor constant_(Tensor t, double value);
Tensor zeros_(Tensor t);
Tensor ones_(Tensor t);
// U[low, high).
Tensor uniform_(Tensor t, double low = 0, double high = 1);
// N(mean, stddev^2).
Tensor normal_(Tensor t, double mean = 0, double stddev = 1);

// For weights [fan_out, fan_in, ..]; further sizes multiply both.
struct Fans {
  double in = 0, out = 0;
};
Fans fans(const Tensor& t, std::source_location loc = std::source_location::current());

// What a layer before this nonlinearity is scaled with to keep the variance, as PyTorch recommends;
// `slope` is leaky_relu's. Error: another name.
double gain(std::string_view nonlinearity, double slope = 0.01,
            std::source_location loc = std::source_location::current());

// U(-a, a) with a = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Tensor xavier_uniform_(Tensor t, double gain = 1,
                       std::source_location loc = std::source_location::current());
// N(0, gain^2 2 / (fan_in + fan_out)).
Tensor xavier_normal_(Tensor t, double gain = 1,
                      std::source_location loc = std::source_location::current());
// Which variance the Kaiming initialisers keep: that of the values (fan_in) or of the gradients.
enum class Fan { kIn, kOut };
// U(-b, b) with b = sqrt(6 / ((1 + a^2) fan)), a the slope of the leaky ReLU that follows (He et
// al. 2015); a = 0 for ReLU.
Tensor kaiming_uniform_(Tensor t, double a = 0, Fan fan = Fan::kIn,
                        std::source_location loc = std::source_location::current());
// N(0, 2 / ((1 + a^2) fan)).
Tensor kaiming_normal_(Tensor t, double a = 0, Fan fan = Fan::kIn,
                       std::source_location loc = std::source_location::current());

// N(mean, stddev^2) without the values outside [low, high].
Tensor trunc_normal_(Tensor t, double mean = 0, double stddev = 1, double low = -2, double high = 2,
                     std::source_location loc = std::source_location::current());
// Orthonormal rows or columns, whichever are fewer, times `gain`; further sizes count as columns
// (Saxe et al. 2013).
Tensor orthogonal_(Tensor t, double gain = 1,
                   std::source_location loc = std::source_location::current());
// 1 where row and column are equal, else 0; of two dimensions.
Tensor eye_(Tensor t, std::source_location loc = std::source_location::current());

}  // namespace catena::nn::init
