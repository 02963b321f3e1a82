#include "catena/serialization/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "../support.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/npz.hpp"
#include "catena/serialization/save_load.hpp"
#include "torch_net.hpp"

namespace catena::test {
namespace {

namespace fs = std::filesystem;

class Safetensors : public ::testing::Test {
 protected:
  Safetensors()
      : folder_(fs::path(::testing::TempDir()) /
                ("safetensors_" +
                 std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Safetensors() override { fs::remove_all(folder_); }
  std::string file(const char* name = "t.safetensors") const { return (folder_ / name).string(); }

  // A file with this header and so many bytes of data.
  std::string with(const std::string& header, std::size_t data,
                   std::uint64_t claimed = ~0ull) const {
    const std::uint64_t length = claimed == ~0ull ? header.size() : claimed;
    std::ofstream out(file(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), 8);
    out << header << std::string(data, '\1');
    return file();
  }
  template <class F>
  static std::string refused(F&& f) {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "nothing was thrown";
  }
  void expect_refused(const std::string& header, std::size_t data, const std::string& why) const {
    const std::string path = with(header, data);
    const std::string text = refused([&] { load_safetensors(path); });
    EXPECT_NE(text.find(why), std::string::npos) << header << ": " << text;
    EXPECT_NE(text.find(path), std::string::npos) << text;
  }
  fs::path folder_;
};

TEST_F(Safetensors, AllDtypesComeBack) {
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    tensors.emplace_back("a." + std::string(name_of(dtype)), tensor({0, 1, 3}).to(dtype));
  }
  tensors.emplace_back("scalar", full({}, 7));
  tensors.emplace_back("nothing", zeros({0, 4}));
  tensors.emplace_back("transposed", transpose(randn({3, 5}), 0, 1));
  save_safetensors(tensors, file(), {.metadata = {{"format", "pt"}, {"epoch", "3"}}});
  const std::vector<NamedTensor> back = load_safetensors(file());
  ASSERT_EQ(back.size(), tensors.size());
  for (const auto& [name, t] : tensors) {
    const auto it =
        std::find_if(back.begin(), back.end(), [&](const auto& b) { return b.first == name; });
    ASSERT_NE(it, back.end()) << name;
    EXPECT_TRUE(same_bits(it->second, t.contiguous())) << name;
  }
  EXPECT_EQ(load_safetensors_metadata(file()), (Metadata{{"epoch", "3"}, {"format", "pt"}}));
  // Data begin at a multiple of 8.
  std::ifstream in(file(), std::ios::binary);
  std::uint64_t length = 0;
  in.read(reinterpret_cast<char*>(&length), 8);
  EXPECT_EQ(length % 8, 0u);
}

TEST_F(Safetensors, DamagedFilesAreRefused) {
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& at) {
    return R"("dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + at;
  };
  const std::string x = R"("x":{)" + entry("F32", "[2]", "[0,8]") + "}";
  EXPECT_EQ(load_safetensors(with("{" + x + "}", 8)).size(), 1u);
  expect_refused("{" + x + "," + x + "}", 8, "the header names 'x' twice");
  expect_refused(R"({"x":{"dtype":"F32",)" + entry("F32", "[2]", "[0,8]") + "}}", 8,
                 "the header names 'dtype' twice");
  expect_refused("{" + x + "}", 9, "the tensors end at byte 8 of 9");
  expect_refused("{" + x + "}", 7, "data_offsets [0, 8] of 7 bytes");
  expect_refused("{" + x + R"(,"y":{)" + entry("F32", "[1]", "[4,8]") + "}}", 8,
                 "'y' begins at byte 4 of the data; expected 8");
  expect_refused("{" + x + R"(,"y":{)" + entry("F32", "[1]", "[12,16]") + "}}", 16,
                 "'y' begins at byte 12");
  expect_refused(R"({"x":{)" + entry("F32", "[2]", "[8,0]") + "}}", 8, "data_offsets [8, 0]");
  expect_refused(R"({"x":{)" + entry("F32", "[3]", "[0,8]") + "}}", 8,
                 "F32 [3] needs 12 bytes; data_offsets give 8");
  expect_refused(R"({"x":{)" + entry("F32", "[4611686018427387904,4]", "[0,8]") + "}}", 8,
                 "more bytes than there are numbers for");
  expect_refused(R"({"x":{)" + entry("F32", "[-2]", "[0,8]") + "}}", 8,
                 "a size is -2; expected a whole number");
  expect_refused(R"({"x":{)" + entry("F32", "[2.0]", "[0,8]") + "}}", 8, "a size is 2.0");
  expect_refused(R"({"x":{)" + entry("F32", "[2]", "[0,8,9]") + "}}", 8, "are not two numbers");
  expect_refused(R"({"x":{)" + entry("F32", "2", "[0,8]") + "}}", 8, "shape is no list");
  expect_refused(R"({"x":{"dtype":"F32","shape":[2]}})", 8,
                 "expected dtype, shape and data_offsets");
  expect_refused(R"({"x":{)" + entry("F32", "[[[2]]]", "[0,8]") + "}}", 8, "nests deeper");
  expect_refused(R"({"x":)", 8, "the header is no JSON");
  expect_refused(R"( {"x":1})", 0, "does not begin with '{'");
  expect_refused("[]", 0, "does not begin with '{'");
  expect_refused(R"({"__metadata__":{"a":1}})", 0, "'a' is no text");
  expect_refused(R"({"x":{)" + entry("F8_E4M3", "[8]", "[0,8]") + "}}", 8,
                 "dtype F8_E4M3 cannot be held");
  expect_refused(R"({"x":{)" + entry("U8", "[1,1,1,1,1,1,1,1,8]", "[0,8]") + "}}", 8,
                 "9 dimensions; a tensor has at most 8");
  const std::string long_header = with("{}", 0, 1'000'000);
  EXPECT_NE(refused([&] { load_safetensors(long_header); }).find("the header has 1000000 bytes"),
            std::string::npos);
  std::ofstream(file()) << "abc";
  EXPECT_NE(refused([&] { load_safetensors(file()); }).find("3 bytes; a header's length takes 8"),
            std::string::npos);
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  save_safetensors(std::vector<NamedTensor>{{"a", randn({3})}, {"b", ones({2}, kInt8)}}, file());
  std::ifstream in(file(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t n = 0; n < whole.size(); ++n) {
    std::ofstream(file("cut"), std::ios::binary) << whole.substr(0, n);
    EXPECT_THROW(load_safetensors(file("cut")), SystemError) << n;
  }
}

TEST_F(Safetensors, TheBudgetHolds) {
  save_safetensors(std::vector<NamedTensor>{{"a", randn({1000})}}, file());
  LoadOptions options;
  options.max_bytes = 3999;
  EXPECT_NE(refused([&] {
              load_safetensors(file(), options);
            }).find("4000 bytes of tensors are more than max_bytes = 3999"),
            std::string::npos);
}

TEST_F(Safetensors, NamesAreChecked) {
  const Tensor t = ones({1});
  const auto text = [&](std::vector<NamedTensor> list) {
    return refused([&] { save_safetensors(list, file()); });
  };
  EXPECT_NE(text({{"a", t}, {"a", t}}).find("the name 'a' is given twice"), std::string::npos);
  EXPECT_NE(text({{"", t}}).find("is not one of a tensor"), std::string::npos);
  EXPECT_NE(text({{"__metadata__", t}}).find("is not one of a tensor"), std::string::npos);
  EXPECT_NE(text({{"\xff", t}}).find("is not UTF-8"), std::string::npos);
  EXPECT_FALSE(fs::exists(file()));
}

// --- Into a model ---

std::vector<NamedTensor> weights_of(nn::Module& net) {
  std::vector<NamedTensor> list = net.named_parameters();
  for (const NamedTensor& b : net.named_buffers()) list.push_back(b);
  return list;
}

TEST_F(Safetensors, APyTorchStateDictGivesPyTorchsOutputs) {
  const std::string data = CATENA_TEST_DATA_DIR;
  TorchNet net;
  const ParameterReport report =
      load_parameters(weights_of(net), data + "/torch_net.safetensors", ParameterOptions{});
  EXPECT_TRUE(report.complete());
  net.eval();
  const NoGrad no_grad;
  const Tensor y = net(load_npz(data + "/torch_net.npz", "x"));
  EXPECT_TRUE(close(y, load_npz(data + "/torch_net.npz", "y").to_vector<double>(), 1e-5, 1e-6));
}

TEST_F(Safetensors, NamesMayDiffer) {
  nn::Linear layer(2, 3);
  const Tensor w = randn({3, 2}), b = randn({3});
  const std::vector<NamedTensor> stored{
      {"module.fc.weight", w}, {"module.fc.b", b}, {"module.step", ones({})}};
  save_safetensors(stored, file());
  save_npz(stored, file("t.npz"));
  save_tensors(file("t.catena"), stored);
  for (const char* name : {"t.safetensors", "t.npz", "t.catena"}) {
    const std::vector<NamedTensor> parameters = layer.named_parameters();
    const auto load = [&](const ParameterOptions& options) {
      return load_parameters(parameters, file(name), options);
    };
    {
      const NoGrad no_grad;
      Tensor weight = parameters[0].second;
      weight.fill_(0);
    }
    const std::string text = refused([&] { load({.rename = {{"module.fc.", ""}}}); });
    EXPECT_NE(text.find("missing in the file: bias; unexpected in the file: b, module.step"),
              std::string::npos)
        << text;
    EXPECT_EQ(sum(parameters[0].second).item<float>(), 0) << "something was changed";
    EXPECT_TRUE(
        load({.rename = {{"module.fc.b", "bias"}, {"module.fc.", ""}, {"*.step", ""}}}).complete());
    EXPECT_TRUE(same_bits(parameters[0].second.detach(), w));
    EXPECT_TRUE(same_bits(parameters[1].second.detach(), b));
    EXPECT_NE(refused([&] {
                load({.rename = {{"modul.", ""}}});
              }).find("no tensor is named 'modul.', which is to be renamed"),
              std::string::npos);
    EXPECT_NE(refused([&] {
                load({.rename = {{"module.fc.weight", "bias"}, {"module.fc.b", "bias"}}});
              }).find("'module.fc.weight' and 'module.fc.b' would both be 'bias'"),
              std::string::npos);
  }
}

TEST_F(Safetensors, MismatchesAreReportedAndDtypesConvertedOnRequest) {
  nn::Linear layer(2, 3);
  save_safetensors(
      std::vector<NamedTensor>{{"weight", randn({3, 2}).to(kFloat16)}, {"bias", randn({2})}},
      file());
  const std::string text =
      refused([&] { load_parameters(layer.named_parameters(), file(), ParameterOptions{}); });
  EXPECT_NE(
      text.find("mismatched: weight: float16 [3, 2] in the file, expected float32 [3, 2], bias: "
                "float32 [2] in the file, expected float32 [3]"),
      std::string::npos)
      << text;
  const ParameterReport report =
      load_parameters(layer.named_parameters(), file(), {.strict = false, .convert = true});
  EXPECT_EQ(report.mismatched.size(), 1u);
  EXPECT_TRUE(same_bits(layer.named_parameters()[0].second.detach().to(kFloat16),
                        load_safetensors(file())[0].second));
}

}  // namespace
}  // namespace catena::test
