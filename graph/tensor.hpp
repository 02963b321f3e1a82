// Tensor: a counted handle to an n-dimensional array that may be part of a tape.
//
// Copying a Tensor copies the handle; both then name the same array. Handles may be copied and
// dropped from any thread. Reading one tensor from several threads is safe; writing in place while
// another thread reads is not.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catena/graph/device.hpp"
#include "catena/graph/dtype.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/scalar.hpp"
#include "catena/graph/shape.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena {

class Index;

// A handle to one hook; removing twice is harmless.
class HookHandle {
 public:
  HookHandle() = default;
  explicit HookHandle(std::function<void()> remove) : remove_(std::move(remove)) {}
  void remove();

 private:
  std::function<void()> remove_;
};

// The i in x[i] and the line it stands on: an operator has no other place to catch that.
struct Position {
  std::int64_t index;
  std::source_location location;
  Position(std::int64_t i,  // NOLINT: implicit on purpose
           std::source_location loc = std::source_location::current())
      : index(i), location(loc) {}
};

class Tensor {
 public:
  using Location = std::source_location;

  Tensor() noexcept : impl_(nullptr) {}  // not defaulted: clang wants the whole class before
  Tensor(const Tensor& o) noexcept : impl_(o.impl_) {
    if (impl_) detail::add_handle(impl_);
  }
  Tensor(Tensor&& o) noexcept : impl_(std::exchange(o.impl_, nullptr)) {}
  Tensor& operator=(const Tensor& o) noexcept {
    Tensor copy(o);
    std::swap(impl_, copy.impl_);
    return *this;
  }
  Tensor& operator=(Tensor&& o) noexcept {
    if (this != &o) {
      detail::TensorImpl* old = std::exchange(impl_, std::exchange(o.impl_, nullptr));
      if (old) detail::drop_handle(old);
    }
    return *this;
  }
  ~Tensor() {
    if (impl_) detail::drop_handle(impl_);
  }

  // --- What it is ---
  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const = delete;  // ask defined() or item<bool>()
  const Shape& shape() const { return impl_->shape; }
  const Shape& strides() const { return impl_->strides; }  // in elements
  int rank() const { return impl_->shape.rank(); }
  std::int64_t numel() const { return impl_->numel; }
  // Size of dimension `dim`; negative counts from the end.
  std::int64_t size(int dim, Location loc = Location::current()) const;
  DType dtype() const { return impl_->dtype; }
  Device device() const { return impl_->device; }
  bool is_contiguous() const { return impl_->contiguous; }
  // True when both handles name the same tensor object.
  bool is_same(const Tensor& o) const { return impl_ == o.impl_; }
  // True when both are views of the same memory.
  bool shares_storage(const Tensor& o) const;
  // How often this memory was written in place.
  std::uint32_t version() const;

  // --- Values ---
  // The only element of a one-element tensor, converted to T. Copies from the device if need be.
  template <class T = double>
  T item(Location loc = Location::current()) const;
  // All elements in row-major order, converted to T.
  template <class T = double>
  std::vector<T> to_vector(Location loc = Location::current()) const;
  // The first element in CPU memory, valid as long as some tensor shares the storage. T must match
  // the dtype. Elements lie strides() apart. A tensor whose pointer was taken is never deferred on.
  template <class T>
  T* data(Location loc = Location::current());
  template <class T>
  const T* data(Location loc = Location::current()) const;
  // "[[1, 2], [3, 4]]" as NumPy prints it; large tensors are summarised.
  std::string to_string() const;

  // --- Autograd ---
  bool requires_grad() const { return impl_->requires_grad; }
  // Only a leaf of a floating dtype can start to require a gradient. Returns *this.
  Tensor& set_requires_grad(bool on = true, Location loc = Location::current());
  bool is_leaf() const { return impl_->is_leaf(); }
  // The gradient backward() has gathered for this leaf; undefined before.
  Tensor grad() const;
  void set_grad(Tensor grad, Location loc = Location::current());
  void zero_grad();  // forgets the gradient
  // Keep the gradient of this non-leaf in grad() too. One that create_graph recorded refers back to
  // this tensor: only zero_grad() frees the two then.
  void retain_grad();
  // d(this)/d(every leaf), added to the leaves' grad(). This tensor must be a scalar unless
  // `gradient` (same shape) is given. Same as catena::backward.
  void backward(const Tensor& gradient = {}, bool retain_graph = false, bool create_graph = false,
                Location loc = Location::current()) const;
  // Called with the gradient of this tensor whenever backward has computed it; what it returns, if
  // defined, replaces the gradient.
  HookHandle register_hook(std::function<Tensor(const Tensor&)> hook,
                           Location loc = Location::current());
  // The same memory without the tape.
  Tensor detach() const;

  // --- In-place writes (refused where a gradient would be lost) ---
  // this[...] = src[...], with broadcasting and conversion of dtype and device.
  Tensor& copy_(const Tensor& src, Location loc = Location::current());
  Tensor& copy_(Tensor&& src, Location loc = Location::current());
  Tensor& fill_(Scalar value, Location loc = Location::current());
  Tensor& zero_(Location loc = Location::current()) { return fill_(0, loc); }
  // this += alpha * other, this *= factor.
  Tensor& add_(const Tensor& other, Scalar alpha = 1, Location loc = Location::current());
  Tensor& add_(Tensor&& other, Scalar alpha = 1, Location loc = Location::current());
  Tensor& mul_(Scalar factor, Location loc = Location::current());

  // --- Ops as methods (each is the free function of the same name; defined in ops/) ---
  Tensor to(DType dtype, Location loc = Location::current()) const;
  Tensor to(Device device, Location loc = Location::current()) const;
  Tensor clone(Location loc = Location::current()) const;
  Tensor contiguous(Location loc = Location::current()) const;
  Tensor reshape(const Shape& shape, Location loc = Location::current()) const;
  Tensor flatten(int from = 0, Location loc = Location::current()) const;
  Tensor transpose(int dim0, int dim1, Location loc = Location::current()) const;
  Tensor permute(const Shape& dims, Location loc = Location::current()) const;
  Tensor t(Location loc = Location::current()) const;
  Tensor expand(const Shape& shape, Location loc = Location::current()) const;
  Tensor squeeze(int dim, Location loc = Location::current()) const;
  Tensor unsqueeze(int dim, Location loc = Location::current()) const;
  // NumPy-like: x.slice({1, Slice(0, 4), Ellipsis, NewAxis}). An integer drops its dimension.
  Tensor slice(std::initializer_list<Index> where, Location loc = Location::current()) const;
  Tensor slice(std::span<const Index> where, Location loc = Location::current()) const;
  // x[i]: the i-th entry of dimension 0; negative counts from the end.
  Tensor operator[](Position i) const;
  // Of a temporary they take the handle, so that a pending value need not be put into memory.
  Tensor sum(const Shape& dims = {}, bool keepdim = false,
             Location loc = Location::current()) const&;
  Tensor sum(const Shape& dims = {}, bool keepdim = false, Location loc = Location::current()) &&;
  Tensor mean(const Shape& dims = {}, bool keepdim = false,
              Location loc = Location::current()) const&;
  Tensor mean(const Shape& dims = {}, bool keepdim = false, Location loc = Location::current()) &&;
  Tensor max(const Shape& dims = {}, bool keepdim = false,
             Location loc = Location::current()) const&;
  Tensor max(const Shape& dims = {}, bool keepdim = false, Location loc = Location::current()) &&;
  Tensor argmax(std::optional<int> dim = {}, bool keepdim = false,
                Location loc = Location::current()) const;
  Tensor matmul(const Tensor& other, Location loc = Location::current()) const;

  // --- For the core and for backends ---
  detail::TensorImpl* impl() const { return impl_; }
  static Tensor adopt(detail::TensorImpl* impl) {  // takes over one handle
    Tensor t;
    t.impl_ = impl;
    return t;
  }
  static Tensor share(detail::TensorImpl* impl) {  // adds a handle
    if (impl) detail::add_handle(impl);
    return adopt(impl);
  }
  detail::TensorImpl* release() { return std::exchange(impl_, nullptr); }

 private:
  detail::TensorImpl* impl_ = nullptr;
};

std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// An argument of an op: a tensor and the line of the call. A temporary gives up its handle, which
// becomes the tape's edge without touching the count twice.
class Operand {
 public:
  Operand(const Tensor& t,  // NOLINT: implicit on purpose, here the caller's line is caught
          std::source_location loc = std::source_location::current())
      : impl_(t.impl()), location_(loc) {}
  Operand(Tensor&& t, std::source_location loc = std::source_location::current())
      : impl_(t.release()), owned_(true), location_(loc) {}
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  ~Operand() {
    if (owned_ && impl_) detail::drop_handle(impl_);
  }

  detail::TensorImpl* impl() const { return impl_; }
  bool owned() const { return owned_; }
  const std::source_location& location() const { return location_; }
  // A handle of its own, for code that wants the tensor rather than to pass it on.
  Tensor tensor() const { return Tensor::share(impl_); }
  // After the call that it was made for: a temporary's handle goes now, not at the end of the user's
  // expression, so that nobody keeps a value that only the call needed.
  void consume() {
    if (!owned_) return;
    owned_ = false;
    consumed_ = true;
    detail::drop_handle(impl_);
  }
  bool consumed() const { return consumed_; }
  // The handle turns into a tape edge: one add for a temporary, one for a named tensor.
  void become_edge() {
    if (owned_) {
      detail::turn_handle_into_edge(impl_);
      owned_ = false;
    } else {
      detail::add_edge(impl_);
    }
  }

 private:
  detail::TensorImpl* impl_ = nullptr;
  bool owned_ = false;
  bool consumed_ = false;
  std::source_location location_;
};

// --- Creation ---
struct TensorOptions {
  DType dtype = kFloat32;
  Device device = kCpu;
  bool requires_grad = false;
  TensorOptions() = default;
  TensorOptions(DType t) : dtype(t) {}    // NOLINT: zeros({2, 3}, kFloat64)
  TensorOptions(Device d) : device(d) {}  // NOLINT: zeros({2, 3}, cuda())
  TensorOptions(DType t, Device d, bool grad = false) : dtype(t), device(d), requires_grad(grad) {}
};

Tensor empty(const Shape& shape, TensorOptions options = {},
             std::source_location loc = std::source_location::current());
Tensor full(const Shape& shape, Scalar value, TensorOptions options = {},
            std::source_location loc = std::source_location::current());
Tensor zeros(const Shape& shape, TensorOptions options = {},
             std::source_location loc = std::source_location::current());
Tensor ones(const Shape& shape, TensorOptions options = {},
            std::source_location loc = std::source_location::current());
Tensor empty_like(const Tensor& t);
Tensor zeros_like(const Tensor& t);
Tensor ones_like(const Tensor& t);
// A number, or a list of such: what the braces of tensor({{1, 2}, {3, 4}}) become.
class NestedValues {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> NestedValues(T number)
      : number_(number) {}  // NOLINT: implicit on purpose
  NestedValues(std::initializer_list<NestedValues> list) : list_(list), is_list_(true) {}

  bool is_list() const { return is_list_; }
  const Scalar& number() const { return number_; }
  std::initializer_list<NestedValues> list() const { return list_; }

 private:
  Scalar number_ = 0;
  std::initializer_list<NestedValues> list_;
  bool is_list_ = false;
};

// A copy of `values` in row-major order; their count must be the shape's.
template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape, TensorOptions options = dtype_of<T>(),
              std::source_location loc = std::source_location::current());
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape,
              TensorOptions options = dtype_of<T>(),
              std::source_location loc = std::source_location::current());
// tensor({1, 2, 3}), tensor({{1}, {2}}), tensor({{{1, 2}}, {{3, 4}}}) and tensor(3.5): float32
// unless the options say otherwise. Errors: rows of different lengths.
Tensor tensor(const NestedValues& values, TensorOptions options = {},
              std::source_location loc = std::source_location::current());
// A tensor over memory of the caller, who keeps it alive, or hands over `release`, which is called
// with `data` when the last view is gone. Strides in elements; empty: row-major.
Tensor from_memory(void* data, const Shape& shape, DType dtype, const Shape& strides = {},
                   std::function<void(void*)> release = {},
                   std::source_location loc = std::source_location::current());

// --- Template definitions ---
namespace detail {
// Elements in row-major order as `dtype` into CPU memory `out`.
void copy_out(const Tensor& t, DType dtype, void* out, const std::source_location& loc);
// Converts `count` elements between CPU arrays.
void convert(void* dst, DType dst_dtype, const void* src, DType src_dtype, std::int64_t count);
Tensor tensor_from(const void* values, DType dtype, std::size_t count, const Shape& shape,
                   TensorOptions options, const std::source_location& loc);
void* checked_data(const Tensor& t, DType wanted, const std::source_location& loc);
void check_item(const Tensor& t, const std::source_location& loc);
}  // namespace detail

template <class T>
T Tensor::item(Location loc) const {
  detail::check_item(*this, loc);
  T value{};
  detail::copy_out(*this, dtype_of<T>(), &value, loc);
  return value;
}
template <class T>
std::vector<T> Tensor::to_vector(Location loc) const {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements; ask for uint8_t");
  std::vector<T> values(impl_ ? static_cast<std::size_t>(numel()) : 0);
  detail::copy_out(*this, dtype_of<T>(), values.data(), loc);
  return values;
}
template <class T>
T* Tensor::data(Location loc) {
  return static_cast<T*>(detail::checked_data(*this, dtype_of<T>(), loc));
}
template <class T>
const T* Tensor::data(Location loc) const {
  return static_cast<const T*>(detail::checked_data(*this, dtype_of<T>(), loc));
}
template <class T>
Tensor tensor(std::span<const T> values, const Shape& shape, TensorOptions options,
              std::source_location loc) {
  return detail::tensor_from(values.data(), dtype_of<T>(), values.size(), shape, options, loc);
}
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape, TensorOptions options,
              std::source_location loc) {
  return tensor(std::span<const T>(values), shape, options, loc);
}

}  // namespace catena
