// .npz archives: NumPy's own, ours, and hostile ones.
#include "catena/serialization/npz.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support.hpp"

namespace catena::test {
namespace {

// np.savez_compressed(file, a=np.arange(6, dtype=np.float32).reshape(2, 3),
//   b=np.asfortranarray(np.arange(4, dtype='>i2').reshape(2, 2)), **{'layer.w': np.array(2.5)})
constexpr std::string_view kByNumPy =
    "504b03042d0000000800000021004fe9002affffffffffffffff05001400612e6e70790100100098000000000000"
    "0055000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f"
    "5f94920a12774bcc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e063068b007120e4004c40d40bcc0"
    "0100504b03042d00000008000000210029bcd9acffffffffffffffff05001400622e6e7079010010008800000000"
    "0000004d000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9769a4aea3a09e965f54529498"
    "179f5f94920a120f292a4d050a17672416a402b91a463a0a469a3a0ab50ae4032e060606260646066600504b0304"
    "2d00000008000000210035b43a93ffffffffffffffff0b0014006c617965722e772e6e7079010010008800000000"
    "00000047000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a1aea3a09e965f54529498"
    "179f5f94920a12774bcc294e058a17672416a402f91a9a3a0ab50a14012e063060710000504b01022d032d000000"
    "0800000021004fe9002a5500000098000000050000000000000000000000800100000000612e6e7079504b01022d"
    "032d00000008000000210029bcd9ac4d0000008800000005000000000000000000000080018c000000622e6e7079"
    "504b01022d032d00000008000000210035b43a9347000000880000000b0000000000000000000000800110010000"
    "6c617965722e772e6e7079504b050600000000030003009f000000940100000000";

std::string bytes_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

class Npz : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "npz_test_" + info->name() + ".npz";
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void write(const std::string& bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  std::string read() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  template <class E = SystemError>
  void refused(const std::string& bytes, std::initializer_list<const char*> parts) {
    write(bytes);
    expect_error<E>([&] { load_npz(path_); }, parts);
    expect_error<E>([&] { load_npz(path_); }, {path_.c_str()});
  }
  std::string path_;
};

TEST_F(Npz, ReadsWhatNumPyWrote) {
  write(bytes_of(kByNumPy));
  const std::vector<NamedTensor> all = load_npz(path_);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].first, "a");
  EXPECT_EQ(all[2].first, "layer.w");
  EXPECT_TRUE(same_bits(all[0].second, tensor({{0, 1, 2}, {3, 4, 5}})));
  EXPECT_TRUE(same_bits(all[1].second, tensor({{0, 1}, {2, 3}}, kInt16)));
  EXPECT_TRUE(same_bits(all[2].second, full({}, 2.5, kFloat64)));
  EXPECT_TRUE(same_bits(load_npz(path_, "b"), all[1].second));
  expect_error<ArgumentError>([&] { load_npz(path_, "c"); },
                              {"has no array 'c'; it has: a, b, layer.w", "npz_test.cpp"});
}

TEST_F(Npz, RoundTrip) {
  const std::vector<NamedTensor> tensors{
      {"x", tensor({{1, 2}, {3, 4}}).t()}, {"none", zeros({0, 3}, kInt64)}, {"y", ones({1000})}};
  for (const bool compress : {false, true}) {
    save_npz(tensors, path_, compress);
    const std::string first = read();
    EXPECT_EQ(first.size() < 2000, compress);
    const std::vector<NamedTensor> back = load_npz(path_);
    ASSERT_EQ(back.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(back[i].first, tensors[i].first);
      EXPECT_TRUE(same_bits(back[i].second, tensors[i].second));
    }
    save_npz(tensors, path_, compress);
    EXPECT_EQ(read(), first);
  }
  save_npz({}, path_);
  EXPECT_TRUE(load_npz(path_).empty());
}

TEST_F(Npz, RefusesWhatCannotBeWritten) {
  const auto save = [&](std::vector<NamedTensor> tensors) { save_npz(tensors, path_); };
  expect_error<ArgumentError>(
      [&] {
        save({{"a", ones({1})}, {"a", ones({1})}});
      },
      {"the name 'a' is there twice", "npz_test.cpp"});
  expect_error<ArgumentError>([&] { save({{"", ones({1})}}); }, {"the name '' is empty"});
  expect_error<ArgumentError>([&] { save({{"a", {}}}); }, {"'a' is undefined"});
  expect_error<UnsupportedError>([&] { save({{"a", ones({1}, kBFloat16)}}); }, {"bfloat16"});
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(Npz, RefusesHostileFiles) {
  const std::string good = bytes_of(kByNumPy);
  refused("", {"not a .npz file"});
  refused("plain text, no archive", {"not a .npz file"});
  // The directory's entry of 'a.npy' and its fields.
  const std::size_t entry = good.find("PK\x01\x02");
  const auto with = [&](std::size_t at, std::uint32_t value, int width) {
    std::string bytes = good;
    for (int i = 0; i < width; ++i) bytes[entry + at + i] = static_cast<char>(value >> 8 * i);
    return bytes;
  };
  refused<UnsupportedError>(with(8, 1, 2), {"'a.npy': it is encrypted"});
  refused<UnsupportedError>(with(10, 12, 2), {"compression method 12; known: 0 (stored)"});
  refused(with(24, 0x7fffffff, 4), {"'a.npy' claims 2147483647 bytes; its 85 can hold at most"});
  refused(with(20, 0x7fffffff, 4), {"bytes are claimed, the file has 585"});
  refused(with(20, 500, 4), {"bytes are claimed, the file has 585"});
  // More or less than the shape needs: nothing is inflated beyond it.
  refused(with(24, 80000, 4), {"79872 bytes follow the header", "[2, 3]"});
  refused(with(24, 140, 4), {"needs more than the 12 bytes"});
  refused<UnsupportedError>(with(46, 'a' | 'x' << 8, 2), {"is no .npy file"});
  refused(with(16, 12345, 4), {"'a.npy'"});
  std::string data = good;
  data[60] = static_cast<char>(data[60] ^ 0x55);
  refused(data, {"'a.npy'"});
  std::string twice = good;
  twice[good.find("b.npy")] = 'a';
  twice[good.rfind("b.npy")] = 'a';
  refused(twice, {"the member 'a.npy' is there twice"});
  // Cut or flipped anywhere: an error, or the arrays.
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << i % 8));
    for (const std::string& bytes : {good.substr(0, i), flipped}) {
      write(bytes);
      try {
        load_npz(path_);
      } catch (const Error&) {
      }
    }
  }
}

TEST_F(Npz, KeepsToTheLimit) {
  save_npz(std::vector<NamedTensor>{{"x", zeros({100000})}}, path_, true);
  EXPECT_LT(read().size(), 1500u);
  expect_error<ArgumentError>(
      [&] { load_npz(path_, LoadOptions{.max_bytes = 400000}); },
      {"member 'x.npy' takes 400128 bytes; the options leave 400000; raise max_bytes"});
  EXPECT_EQ(load_npz(path_, LoadOptions{.max_bytes = 400128}).size(), 1u);
}

}  // namespace
}  // namespace catena::test
