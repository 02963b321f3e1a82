#include "catena/backends/cpu/step_code.hpp"

#if defined(CATENA_HAS_XBYAK)

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#define XBYAK_NO_OP_NAMES  // `and` and `or` are words of C++
#include <xbyak/xbyak.h>

#include "catena/backends/cpu/kernel_table.hpp"

namespace catena::cpu {
namespace {

using Kind = Arithmetic::Kind;
using Instruction = Arithmetic::Instruction;

constexpr std::size_t kMaxKeys = 8192;    // requests remembered
constexpr std::size_t kMaxPieces = 4096;  // a page or two each

class NoRegisters {};

// Which of the eight lanes of an AVX register are in use, from kLanes + 8 - count on.
alignas(64) constexpr std::int32_t kLanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

class Assembler : public Xbyak::CodeGenerator {
 public:
  Assembler(const StepCodeRequest& request, bool avx512)
      : CodeGenerator(4096 * (1 + request.arithmetic.instructions.size() / 16),
                      Xbyak::DontSetProtectRWE),
        request_(request),
        list_(request_.arithmetic.instructions),
        avx512_(avx512),
        double_(request.is_double),
        element_bytes_(request.is_double ? 8 : 4),
        width_((avx512 ? 64 : 32) / element_bytes_) {
    write();
    ready();
    setProtectModeRE();
  }
  StepCode code() const { return getCode<StepCode>(); }

 private:
  // --- Registers ---

  Xbyak::Xmm reg(int number) const {
    if (avx512_) return Xbyak::Zmm(number);
    return Xbyak::Ymm(number);
  }
  int take() {
    if (free_.empty()) throw NoRegisters();
    const int number = free_.back();
    free_.pop_back();
    return number;
  }

  void find_last_uses() {
    last_use_.assign(list_.size(), -1);
    for (std::size_t k = 0; k < list_.size(); ++k) {
      if (list_[k].kind == Kind::kInput) continue;
      for (const int from : {list_[k].a, list_[k].b, list_[k].c, list_[k].d})
        if (from >= 0) last_use_[static_cast<std::size_t>(from)] = static_cast<int>(k);
    }
  }
  bool is_output(int k) const {
    return std::find(request_.outputs.begin(), request_.outputs.end(), k) != request_.outputs.end();
  }
  bool is_used(int k) const { return last_use_[static_cast<std::size_t>(k)] >= 0 || is_output(k); }
  bool is_repeated(const Instruction& i) const {
    return i.kind == Kind::kConstant ||
           (i.kind == Kind::kInput && request_.repeated[static_cast<std::size_t>(i.a)]);
  }

  // --- The function ---

  void write() {
    // Of mine: rdi inputs, rsi outputs, rdx n, rax the element; the rest point to memory.
    const Xbyak::Reg64 pointers[kMaxPointers] = {r8,  r9,  r10, r11, rcx, rbx,
                                                 rbp, r12, r13, r14, r15};
    const Xbyak::Reg64 kept[] = {rbx, rbp, r12, r13, r14, r15};
    for (const Xbyak::Reg64& r : kept) push(r);
    find_last_uses();
    for (int k = (avx512_ ? 32 : 16) - 1; k >= 0; --k) free_.push_back(k);
    if (!avx512_) lanes_ = take();

    int next = 0;
    input_pointers_.assign(request_.repeated.size(), rax);
    for (std::size_t k = 0; k < request_.repeated.size(); ++k) {
      if (request_.repeated[k]) continue;
      input_pointers_[k] = pointers[next++];
      mov(input_pointers_[k], ptr[rdi + 8 * static_cast<int>(k)]);
    }
    for (std::size_t k = 0; k < request_.outputs.size(); ++k) {
      output_pointers_.push_back(pointers[next++]);
      mov(output_pointers_[k], ptr[rsi + 8 * static_cast<int>(k)]);
    }
    at_.assign(list_.size(), -1);
    for (std::size_t k = 0; k < list_.size(); ++k)
      if (is_repeated(list_[k]) && is_used(static_cast<int>(k))) fill(k);

    Xbyak::Label loop, tail, end;
    xor_(eax, eax);
    mov(rdi, rdx);
    and_(rdi, -width_);
    L(loop);
    cmp(rax, rdi);
    jge(tail, T_NEAR);
    write_body(false);
    add(rax, width_);
    jmp(loop, T_NEAR);
    L(tail);
    mov(rsi, rdx);
    sub(rsi, rax);
    jz(end, T_NEAR);
    if (avx512_) {
      mov(edi, -1);
      bzhi(edi, edi, esi);
      kmovw(k1, edi);
    } else {
      mov(rdi, reinterpret_cast<std::uint64_t>(kLanes + 8));
      if (double_) shl(rsi, 1);
      neg(rsi);
      vmovdqu(Xbyak::Ymm(lanes_), ptr[rdi + rsi * 4]);
    }
    write_body(true);
    L(end);
    for (int k = 5; k >= 0; --k) pop(kept[k]);
    vzeroupper();
    ret();
  }

  // A register whose lanes all have the value.
  void fill(std::size_t k) {
    const Instruction& i = list_[k];
    at_[k] = take();
    if (i.kind == Kind::kConstant) {
      mov(rax, double_ ? std::bit_cast<std::uint64_t>(i.constant)
                       : std::bit_cast<std::uint32_t>(static_cast<float>(i.constant)));
      const Xbyak::Xmm low(at_[k]);
      vmovq(low, rax);
      double_ ? vpbroadcastq(reg(at_[k]), low) : vpbroadcastd(reg(at_[k]), low);
      return;
    }
    mov(rax, ptr[rdi + 8 * i.a]);
    double_ ? vpbroadcastq(reg(at_[k]), ptr[rax]) : vpbroadcastd(reg(at_[k]), ptr[rax]);
  }

  // --- One vector of elements ---

  void write_body(bool partial) {
    const std::vector<int> free_before = free_, at_before = at_;
    for (std::size_t k = 0; k < list_.size(); ++k) {
      const Instruction& i = list_[k];
      if (!is_used(static_cast<int>(k))) continue;
      if (i.kind == Kind::kInput && at_[k] < 0) {
        at_[k] = take();
        load(at_[k], input_pointers_[static_cast<std::size_t>(i.a)], partial);
      } else if (at_[k] < 0) {
        write_instruction(k);
      }
      for (std::size_t o = 0; o < request_.outputs.size(); ++o)
        if (request_.outputs[o] == static_cast<int>(k)) store(output_pointers_[o], at_[k], partial);
      if (i.kind != Kind::kInput)
        for (const int from : {i.a, i.b, i.c, i.d}) release(from, k);
      if (last_use_[k] < 0) release_now(k);
    }
    free_ = free_before;
    at_ = at_before;
  }
  // An operand that instruction k was the last to read.
  void release(int from, std::size_t k) {
    if (from >= 0 && last_use_[static_cast<std::size_t>(from)] == static_cast<int>(k))
      release_now(static_cast<std::size_t>(from));
  }
  void release_now(std::size_t k) {
    if (is_repeated(list_[k]) || at_[k] < 0) return;
    free_.push_back(at_[k]);
    at_[k] = -1;
  }

  void load(int to, const Xbyak::Reg64& pointer, bool partial) {
    const Xbyak::Address from = ptr[pointer + rax * element_bytes_];
    if (!partial)
      vmovups(reg(to), from);
    else if (!avx512_)
      vmaskmovps(reg(to), Xbyak::Ymm(lanes_), from);
    else if (double_)
      vmovupd(reg(to) | k1 | T_z, from);
    else
      vmovups(reg(to) | k1 | T_z, from);
  }
  void store(const Xbyak::Reg64& pointer, int from, bool partial) {
    const Xbyak::Address to = ptr[pointer + rax * element_bytes_];
    if (!partial)
      vmovups(to, reg(from));
    else if (!avx512_)
      vmaskmovps(to, Xbyak::Ymm(lanes_), reg(from));
    else if (double_)
      vmovupd(to | k1, reg(from));
    else
      vmovups(to | k1, reg(from));
  }

  void write_instruction(std::size_t k) {
    const Instruction& i = list_[k];
    const auto operand = [&](int from) { return reg(at_[static_cast<std::size_t>(from)]); };
    at_[k] = take();
    const Xbyak::Xmm to = reg(at_[k]), a = operand(i.a);
    switch (i.kind) {
      case Kind::kAdd:
        return double_ ? vaddpd(to, a, operand(i.b)) : vaddps(to, a, operand(i.b));
      case Kind::kSub:
        return double_ ? vsubpd(to, a, operand(i.b)) : vsubps(to, a, operand(i.b));
      case Kind::kMul:
        return double_ ? vmulpd(to, a, operand(i.b)) : vmulps(to, a, operand(i.b));
      case Kind::kDiv:
        return double_ ? vdivpd(to, a, operand(i.b)) : vdivps(to, a, operand(i.b));
      case Kind::kSqrt:
        return double_ ? vsqrtpd(to, a) : vsqrtps(to, a);
      case Kind::kNeg:  // the sign bit turned round
        if (avx512_)
          vpternlogd(to, to, to, 0xff);
        else
          vpcmpeqd(to, to, to);
        double_ ? vpsllq(to, to, 63) : vpslld(to, to, 31);
        return vxorps(to, to, a);
      case Kind::kAbs:  // the sign bit shifted out
        double_ ? vpsllq(to, a, 1) : vpslld(to, a, 1);
        return double_ ? vpsrlq(to, to, 1) : vpsrld(to, to, 1);
      case Kind::kSelect:
        return write_select(i, to, a, operand(i.b), operand(i.c), operand(i.d));
      case Kind::kInput:
      case Kind::kConstant:
        return;
    }
  }
  void write_select(const Instruction& i, const Xbyak::Xmm& to, const Xbyak::Xmm& a,
                    const Xbyak::Xmm& b, const Xbyak::Xmm& yes, const Xbyak::Xmm& no) {
    // Ordered and quiet: false where one of the two is NaN.
    static constexpr std::uint8_t kPredicates[] = {0x11, 0x12, 0x1e, 0x1d, 0x00};
    const std::uint8_t predicate = kPredicates[static_cast<int>(i.comparison)];
    if (avx512_) {
      double_ ? vcmppd(k2, a, b, predicate) : vcmpps(k2, a, b, predicate);
      double_ ? vblendmpd(to | k2, no, yes) : vblendmps(to | k2, no, yes);
    } else {
      double_ ? vcmppd(to, a, b, predicate) : vcmpps(to, a, b, predicate);
      double_ ? vblendvpd(to, no, yes, to) : vblendvps(to, no, yes, to);
    }
  }

  const StepCodeRequest request_;
  const std::vector<Instruction>& list_;  // of request_
  bool avx512_, double_;
  int element_bytes_, width_;
  int lanes_ = -1;
  std::vector<int> free_;      // registers
  std::vector<int> at_;        // the register of each instruction's result, or -1
  std::vector<int> last_use_;  // the last instruction that reads it, or -1
  std::vector<Xbyak::Reg64> input_pointers_, output_pointers_;
};

// --- What has been made ---

enum class Machine { kNone, kAvx2, kAvx512 };
Machine machine() {
  const std::string_view name = instruction_set();
  return name == "avx512" ? Machine::kAvx512 : name == "avx2" ? Machine::kAvx2 : Machine::kNone;
}

std::string key_of(const StepCodeRequest& request) {
  std::string key(1, request.is_double ? 'd' : 'f');
  const auto put = [&](const auto& value) {
    key.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const Instruction& i : request.arithmetic.instructions) {
    put(i.kind);
    put(i.comparison);
    for (const int from : {i.a, i.b, i.c, i.d}) put(static_cast<std::int16_t>(from));
    if (i.kind == Kind::kConstant) put(i.constant);
  }
  key.append(request.repeated.begin(), request.repeated.end());
  for (const int output : request.outputs) put(static_cast<std::int16_t>(output));
  return key;
}

struct Piece {
  int requests = 0;
  bool tried = false, too_large = false;
  std::unique_ptr<Assembler> assembler;
};
struct Pieces {
  std::mutex mutex;
  std::unordered_map<std::string, Piece> by_key;
  std::size_t made = 0;
  // Making it costs as much as some ten blocks.
  std::atomic<int> wanted_requests{machine() == Machine::kNone ? 0 : 3};

  Pieces() {
    const char* given = std::getenv("CATENA_MACHINE_CODE");
    if (given && std::string_view(given) == "0") wanted_requests = 0;
  }
};
Pieces& pieces() {
  static auto* all = new Pieces;
  return *all;
}

}  // namespace

bool makes_step_code() { return pieces().wanted_requests.load(std::memory_order_relaxed) != 0; }

StepCodeAnswer find_step_code(const StepCodeRequest& request) {
  Pieces& all = pieces();
  const int wanted = all.wanted_requests.load(std::memory_order_relaxed);
  if (wanted == 0) return {};
  const std::string key = key_of(request);
  const std::lock_guard lock(all.mutex);
  if (all.by_key.size() >= kMaxKeys)
    std::erase_if(all.by_key, [](const auto& entry) { return !entry.second.assembler; });
  Piece& piece = all.by_key[key];
  if (++piece.requests >= wanted && !piece.tried && all.made < kMaxPieces) {
    piece.tried = true;
    try {
      piece.assembler = std::make_unique<Assembler>(request, machine() == Machine::kAvx512);
      ++all.made;
    } catch (const NoRegisters&) {
      piece.too_large = true;
    } catch (const Xbyak::Error& e) {
      // A system may forbid code that is made at run time.
      if (static_cast<int>(e) == Xbyak::ERR_CANT_PROTECT) all.wanted_requests = 0;
    }
  }
  return {piece.assembler ? piece.assembler->code() : nullptr, piece.too_large};
}

void set_step_code_after(int requests) {
  Pieces& all = pieces();
  const std::lock_guard lock(all.mutex);
  all.wanted_requests = machine() == Machine::kNone ? 0 : requests;
  all.by_key.clear();
  all.made = 0;
}

}  // namespace catena::cpu

#else

namespace catena::cpu {
bool makes_step_code() { return false; }
StepCodeAnswer find_step_code(const StepCodeRequest&) { return {}; }
void set_step_code_after(int) {}
}  // namespace catena::cpu

#endif
